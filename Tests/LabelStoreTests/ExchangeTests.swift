import Audit
import Foundation
import MemeData
import Testing

@testable import LabelStore

/// Labels leave and come back in each form; a bad file changes nothing.
@Suite struct ExchangeTests {
  private let folder: Folder
  private let store: LabelStore

  init() throws {
    folder = try Folder()
    store = try filledStore(in: folder)
    let start = Date(timeIntervalSince1970: 1_800_000_000.125)
    try store.record(.binary(true), of: 2, task: "harm", by: "Ada", note: "a \"note\",\nof two lines", at: start)
    try store.record(.binary(false), of: 2, task: "harm", by: "Bo", at: start + 1)
    try store.record(.binary(false), of: 3, task: "harm", by: "ada@example.org", at: start + 2)
    try store.record(.multiclass(2), of: 3, task: "kind", by: "Ada", at: start + 3)
    try store.record(.multilabel([true, true]), of: 4, task: "targets", by: "Ada", at: start + 4)
    try store.record(.multilabel([false, false]), of: 2, task: "targets", by: "Ada", at: start + 5)
    try store.record(nil, of: 4, task: "kind", by: "Bo", at: start + 6)
    try store.record(.multiclass(1), of: 2, task: "kind", by: "Bo", at: start + 7)
    _ = try store.undo(task: "kind", by: "Bo", at: start + 8)
  }

  /// All that was said, without what another store numbers anew.
  private func said(_ store: LabelStore) throws -> [String] {
    let names = Dictionary(uniqueKeysWithValues: try store.memes().map { ($0.id, $0.name) })
    return try store.tasks().flatMap { task in
      try names.keys.sorted().flatMap { try store.history(of: $0, task: task.name) }
    }.map { event in
      let times = [event.time, event.undone].map {
        $0.map { "\(Int(($0.timeIntervalSince1970 * 1000).rounded()))" } ?? "-"
      }
      return "\(names[event.meme]!) \(event.task) \(event.annotator) \(event.label.map { "\($0)" } ?? "none") "
        + "\(event.note ?? "") \(times)"
    }.sorted()
  }

  private func emptyStore() throws -> LabelStore {
    let store = try LabelStore(at: folder.url.appending(path: "\(UUID().uuidString).sqlite"))
    for task in try self.store.tasks() { try store.add(task) }
    return store
  }

  @Test(arguments: [LabelFormat.jsonl, .csv]) func nothingIsLost(in format: LabelFormat) throws {
    let data = try store.exported(as: format)
    let other = try emptyStore()
    let addition = try other.importLabels(data, named: format.fileName)
    #expect(addition == Addition(memes: 4, labels: 10, known: 0))
    #expect(try said(other) == said(store))
    #expect(try other.memes().map(\.text) == store.memes().map(\.text))
    #expect(try other.memes().map(\.split) == store.memes().map(\.split))
    #expect(try other.exported(as: format) == data)
    #expect(try other.importLabels(data, named: format.fileName) == Addition(memes: 0, labels: 0, known: 10))
  }

  @Test func labelStudioKeepsDecisions() throws {
    let data = try store.exported(as: .labelStudio)
    let other = try emptyStore()
    #expect(try other.importLabels(data, named: "export.json") == Addition(memes: 4, labels: 8, known: 0))
    let decided = try said(store).filter { !$0.contains(" none ") && $0.hasSuffix("\"-\"]") }
    #expect(try said(other) == decided)
  }

  @Test func labelStudiosOwnFileIsRead() throws {
    let file = """
      [{"id": 7, "data": {"image": "/data/local-files/?d=m1", "id": "m1"}, "total_annotations": 1, "annotations": [
        {"id": 3, "completed_by": {"id": 1, "email": "cy@example.org", "first_name": "", "last_name": ""},
         "was_cancelled": false, "created_at": "2027-01-02T03:04:05.678901Z", "lead_time": 4.5,
         "result": [
          {"id": "x", "from_name": "harm", "to_name": "image", "type": "choices", "origin": "manual",
           "value": {"choices": ["harmful"]}},
          {"from_name": "remark", "to_name": "image", "type": "textarea", "value": {"text": ["one", "two"]}}]},
        {"id": 4, "completed_by": 2, "was_cancelled": true, "result": []}]}]
      """
    #expect(try store.importLabels(Data(file.utf8), named: "x.json") == Addition(memes: 0, labels: 1, known: 0))
    let last = try #require(try store.history(of: 2, task: "harm").last)
    #expect(last.annotator == "cy@example.org" && last.note == "one\ntwo" && last.label == .binary(true))
    #expect(last.time.timeIntervalSince1970.rounded(.down) == 1_798_859_045)
  }

  @Test func aHuggingFaceFolderIsADataset() throws {
    let target = folder.url.appending(path: "exported")
    try store.exportHuggingFace(to: target)
    let read = try Dataset.read(target, strict: true)
    #expect(read.tasks == (try store.tasks()))
    #expect(read.memes.map(\.id) == ["m0", "m1", "m2", "m3"])
    #expect(read.memes[0].labels == ["harm": .binary(true), "targets": .multilabel([true, false])])
    #expect(read.memes[1].labels == ["targets": .multilabel([false, false])], "two people disagree on harm")
    #expect(read.memes[2].labels == ["harm": .binary(false), "kind": .multiclass(2)])
    #expect(
      try String(contentsOf: target.appending(path: "metadata.jsonl"), encoding: .utf8)
        == String(decoding: store.exported(as: .huggingFace), as: UTF8.self))
    #expect(throws: LabelStoreError.self, "the folder is not empty") { try store.exportHuggingFace(to: target) }
  }

  @Test func picturesAreFoundBelowTheirFolderAlone() throws {
    let images = folder.url.appending(path: "pictures/img")
    try FileManager.default.createDirectory(at: images, withIntermediateDirectories: true)
    let pixels = (0..<48 * 48 * 3).map { UInt8(truncatingIfNeeded: $0 * $0 / 91) }
    try RGBImage(width: 48, height: 48, pixels: pixels).pngData().write(to: images.appending(path: "a.png"))
    try Data("secret".utf8).write(to: folder.url.appending(path: "outside.png"))
    let root = images.deletingLastPathComponent()
    let rows = #"{"id": "p", "file_name": "img/a.png", "task": "harm", "label": true, "annotator": "Ada"}"#
    #expect(try store.importLabels(Data(rows.utf8), named: "rows.jsonl", images: root).memes == 1)
    let meme = try #require(try store.memes().last)
    #expect(meme.fileName == "img/a.png" && meme.fingerprint?.content != nil)
    for name in ["../outside.png", "/etc/hostname", "img/../../outside.png"] {
      let rows = #"{"id": "q", "file_name": "\#(name)"}"#
      #expect(throws: LabelStoreError.self, "\(name)") {
        try store.importLabels(Data(rows.utf8), named: "rows.jsonl", images: root)
      }
    }
  }

  @Test(arguments: [
    ("a.jsonl", "", "not one row"),
    ("a.jsonl", "{\"id\": \"m1\", \"task\": \"harm\", \"label\": true}\n{\"id\": \"m1\", \"task\"", "line 2"),
    ("a.jsonl", "{\"id\": \"m1\", \"task\": \"harm\", \"label\": true}\n{\"id\": \"nobody\"}", "no meme 'nobody'"),
    ("a.jsonl", "{\"id\": \"m1\", \"task\": \"kind\", \"label\": \"sweet\"}", "one of dry, warm, sour"),
    ("a.jsonl", "{\"id\": \"m1\", \"task\": \"harm\", \"label\": {}}", "neither"),
    ("a.jsonl", "{\"id\": \"m1\", \"label\": true}", "no 'task'"),
    ("a.jsonl", "{\"id\": \"m1\", \"lable\": true}", "no field 'lable'"),
    ("a.jsonl", "{\"id\": \"m1\", \"task\": \"harm\", \"label\": true, \"time\": \"noon\"}", "'noon'"),
    ("a.jsonl", "{\"id\": \"m1\", \"task\": \"harm\", \"label\": true, \"annotator\": \"a\\u0007\"}", "control"),
    (
      "a.jsonl",
      "{\"id\": \"m1\", \"task\": \"new\", \"label\": true}\n{\"id\": \"m2\", \"task\": \"new\", \"label\": [\"x\"]}",
      "several kinds"
    ),
    ("a.csv", "id,task,label\r\nm1,harm,true\r\nm1,harm", "2 columns"),
    ("a.csv", "id,task,label\r\nm1,harm,\"true", "never closed"),
    ("a.json", "[{\"data\": {\"id\": \"m1\"}, \"annotations\": [{\"result\": 5}]}]", "[0].annotations[0].result"),
    ("a.json", "[{\"id\": 1}]", "has no 'data'"),
    ("a.json", "[", "not JSON"),
    ("a.json", "[{\"data\": {\"image\": \"https://example.org/a.png\"}}]", "task 1"),
  ]) func aBadFileChangesNothing(_ name: String, _ content: String, _ expected: String) throws {
    let before = try store.exported(as: .jsonl)
    let error = #expect(throws: LabelStoreError.self) {
      try store.importLabels(Data(content.utf8), named: name, images: folder.url)
    }
    #expect(
      error.map { "\($0)".contains(expected) && "\($0)".contains(name) } == true, "\(error.map { "\($0)" } ?? "")")
    #expect(try store.exported(as: .jsonl) == before)
    #expect(try store.tasks().count == 3)
  }

  @Test func damagedFilesAreRefusedOrTakenWhole() throws {
    let whole = Array(try store.exported(as: .jsonl))
    for (cut, format) in [(0, "x.jsonl"), (1, "x.csv"), (2, "x.json")] {
      for step in stride(from: 1, to: whole.count, by: 37) {
        var bytes = cut == 0 ? Array(whole[..<step]) : whole
        if cut > 0 { bytes[step] = UInt8(truncatingIfNeeded: step &* 151) }
        let before = try store.exported(as: .jsonl)
        do {
          try store.importLabels(Data(bytes), named: format)
        } catch {
          #expect(try store.exported(as: .jsonl) == before)
        }
      }
    }
  }

  @Test func tasksAreMadeOfTheirLabels() throws {
    let file = """
      id,task,label
      m1,irony,true
      m2,irony,0
      m1,tone,loud
      m2,tone,quiet
      m1,animals,"[""cat"",""dog""]"
      m2,animals,"[""cat""]"
      """
    #expect(try store.importLabels(Data(file.utf8), named: "a.csv").labels == 6)
    #expect(
      try store.tasks().suffix(3) == [
        LabelTask(name: "animals", kind: .multilabel, labels: ["cat", "dog"]),
        LabelTask(name: "irony", kind: .binary, labels: ["irony"]),
        LabelTask(name: "tone", kind: .multiclass, labels: ["loud", "quiet"]),
      ])
  }
}
