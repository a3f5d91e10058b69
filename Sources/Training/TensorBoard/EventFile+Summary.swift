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
      for (label, truth, probabilities) in set.columns {
        values.append(
          .precisionRecall("\(set.split.rawValue)/\(label)", truth: truth, probabilities: probabilities))
      }
    }
    // Four spaces make it a block of code in Markdown.
    let text = try recipe.yaml.split(separator: "\n", omittingEmptySubsequences: false).map { "    \($0)" }
    values.append(.text(Self.recipeTag, text.joined(separator: "\n")))
    try append(values, step: 0)
  }

  private static let recipeTag = "recipe"
}

extension PredictionSet {
  /// Each label against the rest, over the memes that are labelled for the task.
  fileprivate var columns: [(label: String, truth: [Bool], probabilities: [Double])] {
    let labelled = memes.indices.filter { memes[$0].labels[task.name] != nil }
    return task.labels.enumerated().map { column, label in
      let truth = labelled.map { row in
        switch memes[row].labels[task.name]! {
        case .binary(let flag): flag
        case .multiclass(let index): index == column
        case .multilabel(let flags): flags[column]
        }
      }
      return (label, truth, labelled.map { probabilities[$0][column] })
    }
  }
}
