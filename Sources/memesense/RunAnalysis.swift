import Encoders
import Foundation
import MemeData
import Methods
import Report
import Torch
import Training

/// What a trained model makes of one split, beyond its scores: each modality alone, and maps of the memes' features.
struct RunAnalysis {
  /// Predictions by task, the first task first.
  let sets: [PredictionSet]
  /// What is predicted for the first task from one modality alone.
  let alone: [Modality: PredictionSet]
  /// The encoders' features and those that the model makes of them, laid out in the plane.
  let maps: [ScatterChart]

  /// More memes than this are drawn from at equal distances: the layout takes time by the square of their number.
  private static let mappedCount = 800

  /// - Returns: `nil` where no meme of the split is labelled for a task of the model's.
  init?(_ bundle: ModelBundle, on corpus: Corpus, split: Split, observer: any ProgressObserver) throws {
    sets = try TrainingRun.score(bundle.classifier, on: corpus, split: split, tasks: bundle.tasks)
    guard let first = sets.first else { return nil }
    observer.observe(.phase("Making the report"))
    let features = try corpus.features(in: split)
    alone = try Dictionary(
      uniqueKeysWithValues: Modality.allCases.map { modality in
        let classifier = OneModality(modality: modality, classifier: bundle.classifier)
        return (modality, try TrainingRun.score(classifier, on: corpus, split: split, tasks: bundle.tasks)[0])
      })
    maps = Self.maps(of: features, bundle.classifier, first, seed: bundle.description.recipe.seed)
  }

  /// A model that is shown one modality.
  private struct OneModality: Classifier {
    let modality: Modality
    let classifier: any Classifier

    func probabilities(of features: FeatureTable) -> Tensor { classifier.probabilities(of: features.alone(modality)) }
  }

  // MARK: Maps

  private static func maps(
    of features: FeatureTable, _ classifier: any Classifier, _ set: PredictionSet, seed: UInt64
  ) -> [ScatterChart] {
    let labelled = set.labelledRows
    guard labelled.count > 3 else { return [] }
    let count = min(labelled.count, mappedCount)
    let rows = (0..<count).map { labelled[$0 * labelled.count / count] }
    var kinds: [(title: String, features: Tensor)] = []
    if features.image.width > 0, features.text.width > 0 {
      // Each modality at length one, or the one of larger numbers would decide alone.
      let parts = [features.image.values, features.text.values].map { $0.to(.float64).normalized() }
      kinds.append(("Raw features, t-SNE", .concatenated(parts, along: 1)))
    }
    if let learned = (classifier as? any FeatureLearner)?.learnedFeatures(of: features) {
      kinds.append(("Cooked features, t-SNE", learned.to(.float64).normalized()))
    }
    var layout = TSNE()
    layout.seed = seed
    return kinds.map { title, features in
      let map = layout.map(squaredDistances: features.gathered(Tensor(rows)).squaredDistances, count: count)
      let truth = rows.map(set.truthName)
      let counts = Dictionary(grouping: truth) { $0 }.mapValues(\.count)
      let names = counts.sorted { ($0.value, $1.key) > ($1.value, $0.key) }.map(\.key)
      let subset = count < labelled.count ? "\(count) of the \(labelled.count)" : "The \(count)"
      return ScatterChart(
        title: title,
        note:
          "\(subset) labelled memes of the \(set.split.rawValue) split, coloured by '\(set.task.name)'. Near ones have "
          + "like features, the axes mean nothing.",
        divergence: map.divergence,
        classes: names.map { name in
          ScatterChart.Class(name: name, points: zip(truth, map.points).filter { $0.0 == name }.map(\.1))
        })
    }
  }
}

extension Tensor {
  /// The squared Euclidean distance of each pair of rows of a matrix [N, D], as N² numbers, row by row.
  fileprivate var squaredDistances: [Double] {
    let norms = (self * self).sum(along: 1, keepingRank: true)
    let distances = (norms + norms.transposed(0, 1) - 2 * matmul(transposed(0, 1))).doubles
    // Rounding may leave a little less than nothing.
    return distances.map { max($0, 0) }
  }
}
