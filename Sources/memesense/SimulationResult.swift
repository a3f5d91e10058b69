import Metrics
import Report
import Training

/// What a simulation found.
struct SimulationResult: Encodable {
  var dataset: String
  var task: String
  var method: String
  var encoder: String
  /// Training memes that could be labelled.
  var pool: Int
  var settings: LabelSimulation.Settings
  var points: [LabelSimulation.Point]

  /// One row a score.
  var csv: String {
    "strategy,seed,labels,\(settings.metric.rawValue)\n"
      + points.map { "\($0.strategy.rawValue),\($0.seed),\($0.labels),\($0.score.map { "\($0)" } ?? "")\n" }.joined()
  }

  /// For people: means over seeds, and how many labels each order needs for the score that chance reaches at last.
  var text: String {
    var table = TextTable(
      columns: [TextTable.Column("labels", alignment: .right)]
        + settings.strategies.map { TextTable.Column($0.rawValue, alignment: .right) })
    for labels in settings.steps {
      table.append(
        ["\(labels)"] + settings.strategies.map { points.spread($0, labels: labels)?.formatted(digits: 3) ?? "" })
    }
    return """
      \(dataset), task \(task): \(settings.metric.rawValue) of \(method) on \(encoder) after so many of \(pool) labels, \
      \(settings.seeds.count) \(settings.seeds.count == 1 ? "seed" : "seeds")

      \(table.text)\(finding.map { "\n\n\($0)" } ?? "")
      """
  }

  /// How many labels each order needs for what random reaches at last; `nil` where random is not among them.
  var finding: String? {
    guard let last = settings.steps.last, let target = points.spread(.random, labels: last) else { return nil }
    let orders = rivals.map { strategy in
      "\(strategy.rawValue) with \(needed(by: strategy, for: target, with: last) ?? "none of these")"
    }
    return orders.isEmpty
      ? nil : "What random reaches with \(last) labels is reached by " + orders.joined(separator: ", ") + "."
  }

  /// How many labels an order needs for a mean score that random has with `labels`, and the share of these: `120 (67 %)`.
  func needed(by strategy: QueryStrategy, for target: Spread, with labels: Int) -> String? {
    points.labelsNeeded(by: strategy, for: target.mean, of: settings.metric).map { count in
      "\(count) (\(Int((100 * Double(count) / Double(labels)).rounded())) %)"
    }
  }

  /// The orders that are measured against chance.
  var rivals: [QueryStrategy] { settings.strategies.filter { $0 != .random } }
}
