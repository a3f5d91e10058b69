import Encoders
import Metrics
import Synchronization
import Torch

extension BenchmarkSummary {
  /// A method at one number of labels, with what it is compared by.
  struct Contender {
    let place: BenchmarkCell.Place
    /// What tables call it.
    let name: String
    let results: [CellResult]
    let metric: Metric
    /// By seed.
    var models: [UInt64: BootstrappedMetric] = [:]

    /// Of the test split.
    var mean: Double? { Spread(of: results.compactMap { $0.score(metric, .test) })?.mean }

    /// The difference to another one over the seeds of both; `nil` where there is none.
    func comparison(with other: Contender, _ relation: Comparison.Relation) -> Comparison? {
      let seeds = results.map(\.place.seed).filter { other.models[$0] != nil }
      return PairedComparison(seeds.map { models[$0]! }, seeds.map { other.models[$0]! }).map {
        Comparison(
          relation: relation, labels: place.labels, first: name, second: other.name, seedCount: seeds.count,
          metric: metric, difference: $0)
      }
    }
  }

  /// What methods are compared by: what ranks them, or the AUROC where that cannot be computed on resamples or is no score of
  /// their task.
  static func comparedMetric(of results: [CellResult], rankedBy ranking: Metric) -> Metric {
    ranking.canBeBootstrapped && results.contains { $0.score(ranking, .test) != nil } ? ranking : .auroc
  }

  /// The method of the highest test score against each other one.
  static func comparisons(_ contenders: [Contender]) -> [Comparison] {
    // Of all metrics that resamples are scored by, more is better.
    let means = contenders.map { $0.mean ?? -1 }
    guard let best = means.indices.max(by: { means[$0] < means[$1] }) else { return [] }
    return contenders.indices.filter { $0 != best }.compactMap {
      contenders[best].comparison(with: contenders[$0], .bestAndOther)
    }
  }

  /// Each method on a pretraining against the same on its control.
  static func controls(_ contenders: [Contender], _ plan: BenchmarkPlan) -> [Comparison] {
    contenders.compactMap { contender in
      guard let place = plan.control(of: contender.place), let control = contenders.first(where: { $0.place == place })
      else { return nil }
      return contender.comparison(with: control, .methodAndControl)
    }
  }

  /// Each two pretrainings under the same method that have one control; whether that was measured too is no matter.
  static func pretrainingPairs(_ contenders: [Contender], _ plan: BenchmarkPlan) -> [Comparison] {
    let pretrained = contenders.compactMap { contender in
      plan.control(of: contender.place).map { (contender: contender, control: $0) }
    }
    return pretrained.indices.flatMap { index in
      let first = pretrained[index]
      return pretrained[(index + 1)...].filter { $0.control == first.control }.compactMap {
        first.contender.comparison(with: $0.contender, .pretrainings)
      }
    }
  }

  /// One model a core, by seed.
  static func bootstrapped(
    _ results: [CellResult], by metric: Metric, _ resampling: Resampling, scored: (CellResult) throws -> ScoredMemes
  ) throws -> [UInt64: BootstrappedMetric] {
    let scored = try results.map(scored)
    let models = Mutex<[UInt64: BootstrappedMetric]>([:])
    try Runtime.concurrently(scored.count, threadsEach: 1) { index, _ in
      let model = BootstrappedMetric(scored[index], metric: metric, resampling: resampling)
      models.withLock { $0[results[index].place.seed] = model }
    }
    return models.withLock { $0 }
  }
}

extension BenchmarkPlan {
  /// The place of the same method on the untrained networks that its pretraining began as; `nil` where there are none.
  func control(of place: BenchmarkCell.Place) -> BenchmarkCell.Place? {
    var control = place
    control.encoder = EncoderCatalog.replacingSides(of: place.encoder) { controls[$0] ?? $0 }
    control.start = place.start.map { controls[$0] ?? $0 }
    return control == place ? nil : control
  }

  /// What tables call a network that was trained, with what they call the one of no epoch that it began as.
  private var controls: [String: String] {
    var controls: [String: String] = [:]
    for pretraining in pretrainings where pretraining.recipe.method.training.epochs > 0 {
      for origin in pretrainings
      where pretraining.needs.contains(origin.path) && origin.recipe.method.training.epochs == 0 {
        for network in pretraining.networks {
          let beginning = origin.networks.first { $0.backbone == network.backbone }
          controls[pretraining.label(of: network)] = beginning.map(origin.label)
        }
      }
    }
    return controls
  }
}
