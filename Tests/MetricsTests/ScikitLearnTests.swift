import Foundation
import Testing

@testable import Metrics

/// Scores agree with scikit-learn's to 1e-12 on random cases with ties, missing classes and single classes.
struct ScikitLearnTests {
  static let tolerance = 1e-12

  struct Cases: Decodable {
    let binary: [Case<[Int], [Double]>]
    let multiclass: [Case<[Int], [[Double]]>]
    let multilabel: [Case<[[Int]], [[Double]]>]
    let merged: [Case<[Int], [[Double]]>]
  }

  struct Case<Truth: Decodable & Sendable, Probabilities: Decodable & Sendable>: Decodable, Sendable {
    let truth: Truth
    let probabilities: Probabilities
    let scores: [String: Value]
    let perLabel: [[String: Value]]?

    enum CodingKeys: String, CodingKey {
      case truth, probabilities, scores
      case perLabel = "per_label"
    }
  }

  /// A number, `null`, or a confusion matrix.
  enum Value: Decodable, Equatable, Sendable {
    case number(Double)
    case matrix([[Int]])
    case null

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if container.decodeNil() {
        self = .null
      } else if let number = try? container.decode(Double.self) {
        self = .number(number)
      } else {
        self = .matrix(try container.decode([[Int]].self))
      }
    }
  }

  let cases: Cases

  init() throws {
    let url = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/scores.json")
    cases = try JSONDecoder().decode(Cases.self, from: Data(contentsOf: url))
  }

  @Test func binaryScores() throws {
    #expect(cases.binary.count == 15)
    for (index, expected) in cases.binary.enumerated() {
      let report = try MetricReport.evaluate(
        truth: expected.truth.map { $0 == 1 }, probabilities: expected.probabilities, label: "hateful")
      try compare(report, scores: expected.scores, perLabel: nil, "binary \(index)")
    }
  }

  @Test func multiclassScores() throws {
    #expect(cases.multiclass.count == 7)
    for (index, expected) in cases.multiclass.enumerated() {
      let labels = expected.probabilities[0].indices.map { "class \($0)" }
      let report = try MetricReport.evaluate(
        truth: expected.truth, probabilities: expected.probabilities, labels: labels)
      try compare(report, scores: expected.scores, perLabel: expected.perLabel, "multiclass \(index)")
    }
  }

  @Test func multilabelScores() throws {
    #expect(cases.multilabel.count == 6)
    for (index, expected) in cases.multilabel.enumerated() {
      let labels = expected.probabilities[0].indices.map { "label \($0)" }
      let report = try MetricReport.evaluate(
        truth: expected.truth.map { $0.map { $0 == 1 } }, probabilities: expected.probabilities, labels: labels)
      try compare(report, scores: expected.scores, perLabel: expected.perLabel, "multilabel \(index)")
    }
  }

  /// Five levels of sentiment decided and reported as three: `classification_report` of merged truth and predictions.
  @Test func mergedClasses() throws {
    let levels = ["very_negative", "negative", "neutral", "positive", "very_positive"]
    let merges = [
      MergedClass(name: "below", members: ["very_negative", "negative"]),
      MergedClass(name: "middle", members: ["neutral"]),
      MergedClass(name: "above", members: ["very_positive", "positive"]),
    ]
    #expect(cases.merged.count == 2)
    for expected in cases.merged {
      let report = try MetricReport.evaluate(
        truth: expected.truth, probabilities: expected.probabilities, labels: levels, merging: merges)
      #expect(report.labels == ["below", "middle", "above"])
      let object = try #require(
        try JSONSerialization.jsonObject(with: JSONEncoder().encode(report)) as? [String: Any])
      compare(object, expected.scores, "merged")
      let labels = try #require(object["per_label"] as? [String: [String: Any]])
      for (label, row) in zip(report.labels, try #require(expected.perLabel)) {
        compare(try #require(labels[label]), row, label)
      }
    }
    // Who is not merged stands alone, before the merged.
    let some = try MetricReport.evaluate(
      truth: cases.merged[0].truth, probabilities: cases.merged[0].probabilities, labels: levels,
      merging: [MergedClass(name: "good", members: ["positive", "very_positive"])])
    #expect(some.labels == ["very_negative", "negative", "neutral", "good"])
    for members in [["happy"], ["negative", "negative"]] {
      #expect(throws: MetricError.self) {
        try MetricReport.evaluate(
          truth: [0, 1], probabilities: [[1, 0, 0, 0, 0], [1, 0, 0, 0, 0]], labels: levels,
          merging: [MergedClass(name: "x", members: members)])
      }
    }
  }

  /// Compares through the report's JSON, so that key names are under test too.
  private func compare(
    _ report: MetricReport, scores: [String: Value], perLabel: [[String: Value]]?, _ name: String
  ) throws {
    let object = try #require(
      try JSONSerialization.jsonObject(with: JSONEncoder().encode(report)) as? [String: Any])
    compare(object, scores, name)
    let encodedMetrics = Set(object.keys).subtracting(["task_kind", "labels", "memes", "undefined", "per_label"])
    #expect(encodedMetrics == Set(scores.keys), "\(name): key names")

    let undefined = try #require(object["undefined"] as? [String: String])
    #expect(Set(undefined.keys) == Set(scores.filter { $0.value == .null }.keys), "\(name): reasons")
    guard let perLabel else { return }
    let labels = try #require(object["per_label"] as? [String: [String: Any]])
    #expect(labels.count == perLabel.count)
    for (label, expected) in zip(report.labels, perLabel) {
      compare(try #require(labels[label]), expected, "\(name), \(label)")
    }
  }

  private func compare(_ object: [String: Any], _ expected: [String: Value], _ name: String) {
    for (key, value) in expected {
      switch value {
      case .null:
        #expect(object[key] is NSNull, "\(name): \(key)")
      case .matrix(let matrix):
        #expect(object[key] as? [[Int]] == matrix, "\(name): \(key)")
      case .number(let number):
        let found = (object[key] as? NSNumber)?.doubleValue ?? .nan
        #expect(abs(found - number) <= Self.tolerance, "\(name): \(key) is \(found), expected \(number)")
      }
    }
  }
}
