import Metrics

extension BenchmarkSummary {
  /// Who is best at one number of labels by the metric that ranks.
  public struct Lead: Sendable {
    /// A method with its score.
    public struct Place: Sendable {
      public var row: Row
      public var score: Spread
    }

    public var best: Place
    /// `nil` where no other method has a score.
    public var next: Place?
    /// Whether the interval of their difference over test memes leaves zero out; `nil` where they were not compared by that
    /// metric.
    public var holds: Bool?
  }

  /// Rows that have a score by the metric that ranks, the best mean first.
  public func ranked(_ rows: [Row]) -> [Lead.Place] {
    let isHigherBetter = metrics[0].isHigherBetter
    return rows.compactMap { row in row.scores[0].map { Lead.Place(row: row, score: $0) } }
      .sorted { isHigherBetter ? $0.score.mean > $1.score.mean : $0.score.mean < $1.score.mean }
  }

  /// Who is best at the fewest labels, and at the most where that is another number; without those of which no row has a
  /// score.
  public func leads(in group: Group) -> [Lead] {
    let byLabels = group.rowsByLabels.sorted { $0[0].labelled < $1[0].labelled }
    let ends = byLabels.count > 1 ? [byLabels[0], byLabels[byLabels.count - 1]] : byLabels
    return ends.compactMap { rows in
      let ranked = ranked(rows)
      guard let best = ranked.first else { return nil }
      let next = ranked.dropFirst().first
      let comparison = group.comparisons.first {
        $0.labels == best.row.labels && $0.metric == metrics[0] && $0.first == best.row.method
          && $0.second == next?.row.method
      }
      return Lead(best: best, next: next, holds: comparison?.difference.isSureOfMemes)
    }
  }
}

extension BenchmarkSummary.Group {
  /// The rows at the most labels of those that all methods have; where none has all, that the most have.
  public var fullestRows: [BenchmarkSummary.Row] {
    rowsByLabels.max { ($0.count, $0[0].labelled) < ($1.count, $1[0].labelled) } ?? []
  }
}

extension BenchmarkPlan {
  /// The cell of a row of a group at a seed; `nil` where the plan has none.
  public func cell(
    of row: BenchmarkSummary.Row, in group: BenchmarkSummary.Group, seed: UInt64
  ) -> BenchmarkCell? {
    let place = BenchmarkCell.Place(
      dataset: group.dataset, task: group.task, method: row.family, encoder: row.encoder, start: row.start,
      labels: row.labels, seed: seed)
    return cells.first { $0.place == place }
  }
}
