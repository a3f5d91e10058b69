import MemeData
import Metrics

extension EventFile {
  /// Appends what a finished run measured: scores by split, a precision-recall curve a label, and the recipe as text.
  ///
  /// What a run said that was killed after that is forgotten.
  func append(summary: TrainingRun.Summary, predictions: [PredictionSet], recipe: Recipe) throws {
    try removeAll { $0.tags.contains(Self.recipeTag) }
    var values: [Event.Value] = []
    for (split, report) in summary.metrics.sorted(by: { $0.key < $1.key }) {
      values += Metric.allCases.compactMap { metric in
        report[metric]?.value.map { .scalar("\(split)/\(metric.rawValue)", $0) }
      }
    }
    for set in predictions {
      for column in set.scored.columns {
        values.append(
          .precisionRecall(
            "\(set.split.rawValue)/\(column.name)", truth: column.truth, probabilities: column.probabilities))
      }
    }
    // Four spaces make it a block of code in Markdown.
    let text = try recipe.yaml.split(separator: "\n", omittingEmptySubsequences: false).map { "    \($0)" }
    values.append(.text(Self.recipeTag, text.joined(separator: "\n")))
    try append(values, step: 0)
  }

  private static let recipeTag = "recipe"
}
