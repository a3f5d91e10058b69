import Foundation
import MemeData
import Testing

@testable import Audit

@Suite struct LabelTests {
  struct Case: Decodable {
    struct Expected: Decodable {
      var thresholds: [Double?]
      var joint: [[Int]]
      var calibrated: [[Double]]
      var rows: [Int]
      var suggested: [Int]
      var selfConfidence: [Double]
      var normalizedMargin: [Double]
    }
    var labels: [Int]
    var probabilities: [[Double]]
    var expected: Expected
  }

  /// Tolerance 1e-12: sums in another order.
  @Test func confidentLearningIsAsDefined() throws {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let cases = try decoder.decode([Case].self, from: Data(contentsOf: fixtures.appending(path: "confident.json")))
    #expect(cases.count == 3)
    for sample in cases {
      let found = ConfidentLearning(labels: sample.labels, probabilities: sample.probabilities)
      let expected = sample.expected
      for (value, wanted) in zip(found.thresholds, expected.thresholds) {
        #expect(wanted.map { abs($0 - value) < 1e-12 } ?? (value == .infinity))
      }
      #expect(found.confidentJoint == expected.joint)
      for (value, wanted) in zip(found.calibratedJoint.joined(), expected.calibrated.joined()) {
        #expect(abs(value - wanted) < 1e-12)
      }
      #expect(found.suspicions.map(\.row) == expected.rows && found.suspicions.map(\.suggested) == expected.suggested)
      #expect(found.suspicions.allSatisfy { $0.given == sample.labels[$0.row] })
      #expect(found.suspicions.map(\.selfConfidence) == expected.selfConfidence)
      for (suspicion, wanted) in zip(found.suspicions, expected.normalizedMargin) {
        #expect(abs(suspicion.normalizedMargin - wanted) < 1e-12)
      }
      let offDiagonal = expected.calibrated.enumerated().reduce(0.0) { sum, row in
        sum + row.element.enumerated().reduce(0) { $0 + ($1.offset == row.offset ? 0 : $1.element) }
      }
      #expect(abs(found.estimatedErrorCount - offDiagonal) < 1e-9)
    }
  }

  @Test func textsAreEqualWhereReadersMindNothing() {
    for (text, normalized) in [
      ("When  the\nTEST passes!!", "when the test passes"), ("ﬁne — it's OK", "fine it s ok"), ("Ｆｕｌｌ １", "full 1"),
      ("naïve Ärger", "nai\u{308}ve a\u{308}rger"), ("मीम  है।", "मीम है"), ("😀 😀", "😀 😀"), ("?!  ...", "?! ..."),
    ] {
      #expect(TextNormalization.normalized(text) == normalized)
    }
    #expect(TextNormalization.normalized("a") != TextNormalization.normalized("b"))
  }

  @Test func contradictionsAreFoundTaskByTask() {
    func meme(_ id: String, _ text: String?, _ labels: [String: Label]) -> Meme {
      Meme(id: id, image: nil, text: text, labels: labels)
    }
    let memes = [
      meme("0", "Same words", ["bad": .binary(true), "kind": .multiclass(1)]),
      meme("1", "same words!", ["bad": .binary(false), "kind": .multiclass(1)]),
      meme("2", "SAME WORDS", ["kind": .multiclass(1)]),
      meme("3", "other", ["bad": .binary(true)]), meme("4", "other", ["bad": .binary(true)]),
      meme("5", nil, ["bad": .binary(true)]), meme("6", nil, ["bad": .binary(false)]),
    ]
    let tasks = [
      LabelTask(name: "bad", kind: .binary, labels: ["bad"]),
      LabelTask(name: "kind", kind: .multiclass, labels: ["a", "b"]),
    ]
    #expect(TextConflict.all(in: memes, tasks: tasks) == [TextConflict(task: "bad", memes: [0, 1])])
  }
}
