import Testing

@testable import Metrics

extension ScoredMemes {
  /// Ten memes with any fixed answers, among them a half and classes equally likely. Of several labels or classes the second
  /// and the third are each of one meme alone, so that resamples lack them.
  static func few(_ kind: TaskKind, seed: Int) -> ScoredMemes {
    let labels = kind == .binary ? ["bad"] : [MAMI.taskALabel, "shaming", "violence"]
    let truth = (0..<10).map { row -> [Bool] in
      switch kind {
      case .binary: [row % 3 == 0]
      case .multiclass: labels.indices.map { $0 == (row < 2 ? row + 1 : 0) }
      case .multilabel: labels.indices.map { $0 == 0 ? row % 3 == 0 : $0 == row + 1 }
      }
    }
    let probabilities = (0..<10).map { row -> [Double] in
      guard kind == .multiclass else {
        return labels.indices.map { Double((row * 37 + $0 * 17 + seed * 29) % 21) / 20 }
      }
      let weights = labels.indices.map { Double(1 + (row * 3 + $0 * 2 + seed) % 4) }
      return weights.map { $0 / weights.reduce(0, +) }
    }
    return ScoredMemes(kind: kind, labels: labels, truth: truth, probabilities: probabilities)
  }

  /// What a report says of some of the memes, each as often as it is named.
  func report(_ rows: [Int]) throws -> MetricReport {
    let (truth, probabilities) = (rows.map { self.truth[$0] }, rows.map { self.probabilities[$0] })
    switch kind {
    case .binary:
      return try .evaluate(truth: truth.map { $0[0] }, probabilities: probabilities.map { $0[0] }, label: labels[0])
    case .multiclass:
      return try .evaluate(truth: truth.map { $0.firstIndex(of: true)! }, probabilities: probabilities, labels: labels)
    case .multilabel:
      return try .evaluate(truth: truth, probabilities: probabilities, labels: labels)
    }
  }
}

/// Decisions of scored memes are those of reports.
struct ScoredMemesTests {
  @Test func halfIsANoAndTheFirstOfEqualClassesWins() {
    let labels = ScoredMemes(
      kind: .multilabel, labels: ["a", "b"], truth: [[true, false]], probabilities: [[0.5, 0.5.nextUp]])
    #expect(labels.decisions == [[false, true]])
    let classes = ScoredMemes(
      kind: .multiclass, labels: ["a", "b", "c"], truth: [[true, false, false]], probabilities: [[0.2, 0.4, 0.4]])
    #expect(classes.decisions == [[false, true, false]])
  }

  @Test(arguments: [TaskKind.binary, .multiclass]) func reliabilityGivesTheCalibrationErrorOfReports(
    kind: TaskKind
  ) throws {
    let memes = ScoredMemes.few(kind, seed: 2)
    #expect(memes.reliabilities.count == 1)
    let reliability = try #require(memes.reliabilities.first)
    #expect(try memes.report(Array(0..<10))[.ece] == .defined(reliability.expectedCalibrationError))
    #expect(reliability.bins.reduce(0) { $0 + $1.count } == 10)
  }

  /// Each label is decided for by itself, as in a task of its own.
  @Test func severalLabelsHaveTheirOwnReliabilities() {
    let memes = ScoredMemes.few(.multilabel, seed: 2)
    #expect(memes.reliabilities.count == 3 && Set(memes.reliabilities.map(\.expectedCalibrationError)).count == 3)
    for (index, reliability) in memes.reliabilities.enumerated() {
      let alone = ScoredMemes(
        kind: .binary, labels: [memes.labels[index]], truth: memes.truth.map { [$0[index]] },
        probabilities: memes.probabilities.map { [$0[index]] })
      #expect(alone.reliabilities == [reliability])
    }
  }

  @Test func aColumnRanksItsLabelAgainstTheRest() throws {
    let memes = ScoredMemes.few(.multiclass, seed: 2)
    let column = memes.columns[1]
    #expect(column.name == "shaming" && column.truth == (0..<10).map { $0 == 0 })
    // Of one positive the AUROC is the share of the others below it.
    let others = column.probabilities.dropFirst()
    let below = others.reduce(0.0) { $0 + ($1 < column.probabilities[0] ? 1 : $1 == column.probabilities[0] ? 0.5 : 0) }
    #expect(try column.ranked().auroc == .defined(below / 9))
  }
}
