import Foundation
import MemeData
import Synchronization
import Testing

@testable import Audit

/// A small dataset of the fixture's pictures on disk, and what is found in it.
@Suite struct DatasetAuditTests {
  private let tasks = [LabelTask(name: "bad", kind: .binary, labels: ["bad"])]

  private func dataset(in folder: URL) throws -> Dataset {
    let decoder = ImageDecoder()
    let pictures = fixtures.appending(path: "pictures")
    func file(_ name: String, _ data: Data) throws -> URL {
      let url = folder.appending(path: name)
      try data.write(to: url)
      return url
    }
    let large = try Data(contentsOf: pictures.appending(path: "large.png"))
    let smaller = try decoder.decode(large, name: "large").jpegData(quality: 70, maxSide: 320)
    let odd = try Data(contentsOf: pictures.appending(path: "odd.png"))
    let wide = try Data(contentsOf: pictures.appending(path: "wide.png"))
    let plain = try Data(contentsOf: pictures.appending(path: "plain.png"))
    func meme(_ id: String, _ image: URL?, _ text: String?, _ isBad: Bool?, _ split: Split) -> Meme {
      Meme(id: id, image: image, text: text, labels: isBad.map { ["bad": .binary($0)] } ?? [:], split: split)
    }
    return Dataset(
      name: "small", root: folder, format: .huggingFace, tasks: tasks,
      memes: [
        meme("near", try file("near.jpg", smaller), "one", true, .train),
        meme("same", try file("same.png", odd), "two", false, .train),
        meme("alone", try file("alone.png", wide), "three words here", true, .train),
        meme("again", nil, "Three words, here", false, .train),
        meme("cut", try file("cut.png", Data(wide.prefix(200))), nil, false, .train),
        meme("cut-text", try file("page.jpg", Data("<html>".utf8)), "four", false, .train),
        meme("plain", try file("plain.png", plain), "five", false, .train),
        meme("valid", try file("valid.png", odd), "six", true, .validation),
        meme("only-text", nil, "Just words", nil, .validation),
        meme("test", try file("test.png", large), "seven", false, .test),
        meme("plain-test", try file("plain-test.png", plain), "eight", false, .test),
        meme("text-test", nil, "just words.", false, .test),
      ])
  }

  private func withFolder(_ body: (URL) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "audit-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try body(folder)
  }

  @Test func whatIsWrongIsFoundAndTheCleanedListIsClean() throws {
    try withFolder { folder in
      let dataset = try dataset(in: folder)
      let told = Mutex<[Int]>([])
      let audit = DatasetAudit(dataset, tasks: tasks) { done in told.withLock { $0.append(done) } }
      #expect(told.withLock { $0 } == Array(1...12))
      #expect(audit.leaksIntoTest)
      let report = AuditReport(audit)
      #expect(report.leaks.map(\.id) == ["near", "same", "plain", "only-text"])
      #expect(report.leaks.map(\.into) == [.test, .validation, .test, .test])
      #expect(report.touchedTestMemes == 3)
      #expect(report.images.broken.map(\.id) == ["cut", "cut-text"])
      #expect(report.images.broken.allSatisfy { !$0.reason.isEmpty } && report.images.hashed == 7)
      #expect(report.images.lowQuality == 2 && report.images.missing == ["again", "only-text", "text-test"])
      #expect(report.emptyTexts == ["cut"])
      let pairs = report.pairs.map { "\($0.ids[0]) \($0.ids[1]) \($0.kind)" }
      #expect(
        pairs == ["plain plain-test exact", "only-text text-test exact", "near test near", "same valid exact"])
      #expect(report.pairs.map(\.differingTasks) == [[], [], ["bad"], ["bad"]])
      #expect(report.pairs.allSatisfy { $0.kind == .exact ? $0.distance == 0 : (0...31).contains($0.distance) })
      #expect(report.textConflicts.map { $0.memes.map(\.label) } == [["bad", "not bad"]])
      #expect(report.rareLabels.isEmpty)

      let cleaned = audit.cleaned
      #expect(
        cleaned.entries.map(\.id)
          == ["alone", "again", "cut-text", "valid", "test", "plain-test", "text-test"])
      let again = DatasetAudit(try dataset.selecting(cleaned, named: "clean"), tasks: tasks) { _ in }
      #expect(!again.leaksIntoTest && AuditReport(again).leaks.isEmpty && again.cleaned == cleaned)
    }
  }

  @Test func rareLabelsAreThoseOfFewMemes() {
    let memes = (0..<40).map { index in
      Meme(id: "\(index)", image: nil, text: "t\(index)", labels: ["bad": .binary(index < 3)], split: .train)
    }
    let dataset = Dataset(
      name: "", root: URL(filePath: "/"), format: .huggingFace, tasks: tasks, memes: memes)
    let rare = AuditReport(DatasetAudit(dataset, tasks: tasks) { _ in }).rareLabels
    #expect(rare.map(\.label) == ["bad"] && rare.map(\.memes) == [3] && rare.map(\.share) == [0.075])
  }

  /// A label that its predictions contradict stands first, whatever the kind of task.
  @Test(arguments: [LabelTask.Kind.binary, .multiclass, .multilabel])
  func wrongLabelsOfEveryKindOfTaskAreNamed(kind: LabelTask.Kind) throws {
    let task = LabelTask(name: "t", kind: kind, labels: kind == .binary ? ["a"] : ["a", "b"])
    let memes = (0..<20).map { index in
      let isFirst = (index < 10) != (index == 4)  // meme 4 is labelled wrongly
      let label: Label =
        switch kind {
        case .binary: .binary(isFirst)
        case .multiclass: .multiclass(isFirst ? 0 : 1)
        case .multilabel: .multilabel([isFirst, true])
        }
      return Meme(id: "m\(index)", image: nil, text: "t\(index)", labels: ["t": label], split: .train)
    }
    let dataset = Dataset(name: "", root: URL(filePath: "/"), format: .huggingFace, tasks: [task], memes: memes)
    let audit = DatasetAudit(dataset, tasks: [task]) { _ in }
    let rows = (0..<20).map { index -> [Double] in
      let first = index < 10 ? 0.9 : 0.1
      return kind == .binary ? [first] : kind == .multiclass ? [first, 1 - first] : [first, 0.97]
    }
    let found = audit.suspiciousLabels(of: task, memes: Array(0..<20), probabilities: rows)
    #expect(found.suspicions.map(\.id) == ["m4"] && found.examples == 20)
    let suspicion = try #require(found.suspicions.first)
    let names = kind == .multiclass ? ["b", "a"] : ["not a", "a"]
    #expect([suspicion.given, suspicion.suggested] == names)
    #expect(abs(suspicion.selfConfidence - 0.1) < 1e-12 && abs(suspicion.normalizedMargin - 0.1) < 1e-12)
  }
}
