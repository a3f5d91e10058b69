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
    /// By seed.
    var models: [UInt64: BootstrappedAUROC] = [:]

    var meanAUROC: Double? { Spread(of: results.compactMap { $0.score(.auroc, .test) })?.mean }

    /// The difference to another one over the seeds of both, and how many these are; `nil` where there is none.
    func difference(to other: Contender) -> (auroc: PairedComparison, seedCount: Int)? {
      let seeds = results.map(\.place.seed).filter { other.models[$0] != nil }
      return PairedComparison(seeds.map { models[$0]! }, seeds.map { other.models[$0]! }).map { ($0, seeds.count) }
    }
  }

  /// The method of the highest test AUROC against each other one.
  static func comparisons(_ contenders: [Contender], labels: Double) -> [Comparison] {
    let means = contenders.map { $0.meanAUROC ?? -1 }
    guard let best = means.indices.max(by: { means[$0] < means[$1] }) else { return [] }
    return contenders.indices.filter { $0 != best }.compactMap { other in
      contenders[best].difference(to: contenders[other]).map {
        Comparison(
          labels: labels, best: contenders[best].name, other: contenders[other].name, seedCount: $0.seedCount,
          auroc: $0.auroc)
      }
    }
  }

  /// Each method on a pretraining against the same on its control.
  static func controls(
    _ contenders: [Contender], labels: Double, _ plan: BenchmarkPlan
  ) -> [ControlComparison] {
    contenders.compactMap { contender in
      guard let place = plan.control(of: contender.place), let control = contenders.first(where: { $0.place == place })
      else { return nil }
      return contender.difference(to: control).map {
        ControlComparison(
          labels: labels, method: contender.name, control: control.name, seedCount: $0.seedCount, auroc: $0.auroc)
      }
    }
  }

  /// One model a core, by seed.
  static func bootstrapped(
    _ results: [CellResult], _ resampling: Resampling, scored: (CellResult) throws -> ScoredMemes
  ) throws -> [UInt64: BootstrappedAUROC] {
    let scored = try results.map(scored)
    let models = Mutex<[UInt64: BootstrappedAUROC]>([:])
    try Runtime.concurrently(scored.count, threadsEach: 1) { index, _ in
      let model = BootstrappedAUROC(scored[index], resampling: resampling)
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
