import Foundation
import Testing

@testable import Metrics

/// The scorer's files: what is matched, and what is refused with file and line.
final class ScoreFilesTests {
  private let folder: URL

  init() throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "ScoreFilesTests-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  deinit {
    try? FileManager.default.removeItem(at: folder)
  }

  private func file(_ name: String, _ text: String) throws -> URL {
    let url = folder.appending(path: name)
    try Data(text.utf8).write(to: url)
    return url
  }

  private func files(truth: Data, predictions: Data, kind: TaskKind) throws -> ScoreFiles {
    let truthURL = folder.appending(path: "truth.jsonl")
    let predictionsURL = folder.appending(path: "predictions.jsonl")
    try truth.write(to: truthURL)
    try predictions.write(to: predictionsURL)
    return try ScoreFiles(truth: truthURL, predictions: predictionsURL, kind: kind)
  }

  private func report(truth: String, predictions: String, kind: TaskKind) throws -> MetricReport {
    try files(truth: Data(truth.utf8), predictions: Data(predictions.utf8), kind: kind).report()
  }

  /// The error's text with the folder taken off.
  private func problem(truth: String, predictions: String, kind: TaskKind) -> String? {
    let error = #expect(throws: ScoreFileError.self) {
      try report(truth: truth, predictions: predictions, kind: kind)
    }
    return error?.description.replacingOccurrences(of: folder.path + "/", with: "")
  }

  @Test func binaryInAnyOrderWithByteOrderMarkAndCarriageReturns() throws {
    let lines = [
      #"{"id": 1, "labels": {"hateful": 1}, "text": "x"}"#, "", #"{"id": "b", "labels": {"hateful": 0}}"#, "",
    ]
    let report = try report(
      truth: "\u{FEFF}" + lines.joined(separator: "\r\n"),
      predictions: """
        {"id": "b", "probabilities": {"hateful": 0.75}, "labels": ["hateful"]}
        {"id": "1", "probabilities": {"hateful": 1}}
        """, kind: .binary)
    #expect(report.confusionMatrix == [[0, 1], [0, 1]])
    #expect(report[.auroc] == .defined(1))
    #expect(report.labels == ["hateful"])
  }

  /// The competition's own files; the scores are computed by hand.
  @Test func filesOfMAMIAreReadByTheirNames() throws {
    let truth = try file("truth.txt", "1.jpg\t1\t1\t0\t0\t0\n2.jpg\t0\t0\t0\t0\t0\n3.jpg\t1\t0\t1\t0\t0\n")
    let taskB = try file("b.tsv", "2.jpg\t1\t0\t0\t0\t0\n3.jpg\t1\t0\t1\t0\t0\n1.jpg\t1\t0\t0\t0\t1\r\n")
    let report = try ScoreFiles(truth: truth, predictions: taskB, kind: .multilabel).report()
    #expect(report[.mamiA] == .defined(0.4), "F1 of presence 4/5, of absence 0")
    // Shaming is missed (F1 0 and 4/5), the stereotype found (1 and 1); either has one positive.
    #expect(abs((report[.mamiB]?.value ?? 0) - 0.7) < 1e-15)
    let taskA = try file("a.txt", "1.jpg\t1\n2.jpg\t1\n3.jpg\t1\n")
    #expect(try ScoreFiles(truth: truth, predictions: taskA, kind: .binary).report()[.mamiA] == .defined(0.4))
    for (text, line) in [("1.jpg\t1\t0\n", 1), ("1.jpg\t1\n2.jpg\t2\n", 2), ("1.jpg\t1\n2.jpg\t1\t0\t0\t0\t0\n", 2)] {
      let error = #expect(throws: ScoreFileError.self) {
        try ScoreFiles(truth: truth, predictions: file("bad.txt", text), kind: .binary)
      }
      #expect(error?.description.contains("bad.txt:\(line): expected a file name and") == true)
    }
  }

  @Test func multiclassSortsItsClasses() throws {
    let report = try report(
      truth: #"{"id":"a","label":"no"}"# + "\n" + #"{"id":"b","label":"maybe"}"#,
      predictions: #"{"id":"a","probabilities":{"no":0.5,"maybe":0.25,"yes":0.25}}"# + "\n"
        + #"{"id":"b","probabilities":{"no":0.5,"maybe":0.25,"yes":0.25}}"#, kind: .multiclass)
    #expect(report.labels == ["maybe", "no", "yes"])
    #expect(report.confusionMatrix == [[0, 1, 0], [0, 1, 0], [0, 0, 0]])
  }

  @Test func multilabelScoresMAMI() throws {
    let report = try report(
      truth: #"{"id":"a","labels":{"shaming":1,"violence":0}}"# + "\n"
        + #"{"id":"b","labels":{"shaming":0,"violence":1}}"#,
      predictions: #"{"id":"a","probabilities":{"violence":0.1,"shaming":0.9}}"# + "\n"
        + #"{"id":"b","probabilities":{"violence":0.2,"shaming":0.3}}"#, kind: .multilabel)
    // shaming is perfect, violence all negative: (1 + 1/3) / 2.
    let taskB = try #require(report[.mamiB]?.value)
    #expect(abs(taskB - 2.0 / 3) < 1e-15)
  }

  @Test(arguments: [
    (#"{"id":"a","labels":{"x":1}"#, "truth.jsonl:2: not valid JSON; expected one object a line"),
    (#"{"labels":{"x":1}}"#, "truth.jsonl:2: the key `id` is missing"),
    (#"{"id":"b"}"#, "truth.jsonl:2: the key `labels` is missing"),
    (#"{"id":"b","labels":{"x":"1"}}"#, "truth.jsonl:2: `labels.x` has the wrong type; expected a whole number"),
    (#"{"id":"b","labels":{"x":2}}"#, "truth.jsonl:2: the label 'x' is 2; expected 0 or 1"),
    (#"{"id":"b","labels":{"y":1}}"#, "truth.jsonl:2: `labels` has the unknown label 'y'; expected 'x'"),
    (#"{"id":"b","labels":{}}"#, "truth.jsonl:2: `labels` lacks the label 'x'; expected 'x'"),
    (#"{"id":"a","labels":{"x":0}}"#, "truth.jsonl:2: id 'a' is already on line 1; keep one"),
    (#"{"id":[],"labels":{"x":0}}"#, "truth.jsonl:2: `id` has the wrong type; expected a whole number"),
  ])
  func refusesTruthLine(line: String, expected: String) {
    let problem = problem(
      truth: #"{"id":"a","labels":{"x":1}}"# + "\n" + line, predictions: #"{"id":"a","probabilities":{"x":1}}"#,
      kind: .binary)
    #expect(problem == expected)
  }

  @Test(arguments: [
    (#"{"id":"b","probabilities":{"x":1.5}}"#, "2: the probability of 'x' is 1.5; expected a number from 0 to 1"),
    (#"{"id":"b","probabilities":{"x":-1e-9}}"#, "2: the probability of 'x' is -1e-09; expected a number from 0 to 1"),
    (#"{"id":"b","probabilities":{"x":1,"y":0}}"#, "2: `probabilities` has the unknown label 'y'; expected 'x'"),
    (#"{"id":"b","probabilities":{"x":null}}"#, "2: `probabilities.x` has the wrong type; expected a number"),
    (#"{"id":"b","probabilities":{"x":NaN}}"#, "2: not valid JSON; expected one object a line"),
    (#"{"id":"a","probabilities":{"x":1}}"#, "2: id 'a' is already on line 1; keep one"),
  ])
  func refusesPredictionLine(line: String, expected: String) {
    let problem = problem(
      truth: #"{"id":"b","labels":{"x":1}}"# + "\n" + #"{"id":"a","labels":{"x":0}}"#,
      predictions: #"{"id":"a","probabilities":{"x":1}}"# + "\n" + line, kind: .binary)
    #expect(problem == "predictions.jsonl:" + expected)
  }

  @Test func labelsThatDoNotExcludeEachOtherAreNoClasses() throws {
    let truth = try file("truth.tsv", "1.jpg\t1\t0\t1\t0\t0\n")
    let predictions = try file("predictions.jsonl", #"{"id":"1.jpg","probabilities":{"misogynous":1}}"#)
    let error = try #require(throws: ScoreFileError.self) {
      try ScoreFiles(truth: truth, predictions: predictions, kind: .multiclass)
    }
    #expect(error.description.contains("truth.tsv: MAMI's labels do not exclude each other"), "\(error)")
  }

  @Test func refusesIdsWithoutPartner() throws {
    let a = #"{"id":"a","labels":{"x":1}}"#
    let pa = #"{"id":"a","probabilities":{"x":1}}"#
    let missing = problem(truth: a + "\n" + #"{"id":"b","labels":{"x":1}}"#, predictions: pa, kind: .binary)
    #expect(missing?.hasPrefix("truth.jsonl:2: id 'b' has no line in ") == true)
    let extra = problem(truth: a, predictions: pa + "\n" + #"{"id":"c","probabilities":{"x":1}}"#, kind: .binary)
    #expect(extra?.hasPrefix("predictions.jsonl:2: id 'c' is not in ") == true)
  }

  @Test func refusesWrongKind() {
    let two = #"{"id":"a","labels":{"x":1,"y":0}}"#
    let prediction = #"{"id":"a","probabilities":{"x":1,"y":0.5}}"#
    #expect(
      problem(truth: two, predictions: prediction, kind: .binary)
        == "truth.jsonl:1: expected exactly one label for the task kind binary but found 'x', 'y'")
    #expect(
      problem(truth: #"{"id":"a","label":"x"}"#, predictions: prediction, kind: .multiclass)
        == "predictions.jsonl:1: the class probabilities add up to 1.5; expected 1 "
        + "(give softmax outputs, or use the task kind multilabel)")
    #expect(
      problem(truth: #"{"id":"a","label":"z"}"#, predictions: prediction, kind: .multiclass)
        == "truth.jsonl:1: the class 'z' has no probability in the predictions; they know 'x', 'y'")
  }

  @Test func refusesUnreadableFiles() throws {
    let missing = folder.appending(path: "missing.jsonl")
    let error = #expect(throws: ScoreFileError.self) {
      try ScoreFiles(truth: missing, predictions: missing, kind: .binary)
    }
    #expect(error == .unreadable(file: missing.path, reason: "no such file; check the path"))
    #expect(problem(truth: "\n \n", predictions: "", kind: .binary)?.contains("the file has no lines") == true)
  }

  @Test func survivesHostileBytes() {
    let prediction = Data(#"{"id":"a","probabilities":{"x":1}}"#.utf8)
    let deep = Data(repeating: UInt8(ascii: "["), count: 1_000_000)
    for truth in [deep, Data([0xFF, 0xFE, 0x00, 0x7B]), Data([0]), Data("{\"id\":1e400,\"labels\":{}}".utf8)] {
      #expect(throws: ScoreFileError.self) {
        try files(truth: truth, predictions: prediction, kind: .binary)
      }
    }
  }
}
