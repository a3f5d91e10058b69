import Encoders
import Metrics

extension BenchmarkSummary {
  /// One network of a pretraining, over its seeds.
  public struct Pretraining: Sendable, Encodable {
    /// As methods name it: the pretraining, with its network where it leaves several.
    public var name: String
    public var backbone: String
    /// The suite's names of the datasets it learned from, and how many pictures that were.
    public var datasets: [String]
    public var pictures: Int
    public var epochs: Int
    /// Seconds of training, all networks together, over those that were trained in one go.
    public var seconds: Spread?
    public var seeds: [UInt64]
    /// What was measured, by name.
    public var curves: [String: [Point]]

    /// A measure after so many epochs.
    public struct Point: Sendable, Encodable {
      public var epoch: Int
      public var value: Spread
    }

    public func curve(_ measure: PretrainingResult.Measure) -> [Point] { curves[measure.rawValue] ?? [] }

    /// The names of measures that only some networks have, as teachers have entropies.
    public var furtherMeasures: Set<String> {
      Set(curves.keys).subtracting(PretrainingResult.Measure.allCases.map(\.rawValue))
    }
  }

  /// Sums up pretrainings, in the order of the suite.
  static func pretrainings(_ all: [BenchmarkRun.Pretrained]) -> [Pretraining] {
    var order: [String] = []
    for name in all.map(\.pretraining.name) where !order.contains(name) { order.append(name) }
    let byName = Dictionary(grouping: all) { $0.pretraining.name }
    return order.flatMap { name in
      let own = byName[name]!
      return own[0].pretraining.networks.map { summary(of: $0, in: own) }
    }
  }

  /// One network of a pretraining's runs, of which there is at least one.
  private static func summary(
    of network: PretrainedDescription.Network, in runs: [BenchmarkRun.Pretrained]
  ) -> Pretraining {
    let (pretraining, first) = (runs[0].pretraining, runs[0].result)
    let common = PretrainingResult.Measure.allCases.map(\.rawValue)
    let measures = runs.reduce(into: Set(common)) { $0.formUnion($1.result.measures(of: network)) }
    let curves = measures.map { measure in
      let values = runs.flatMap { $0.result.curve(measure, of: network) }
      let points = Dictionary(grouping: values, by: \.epoch).sorted { $0.key < $1.key }
      return (
        measure,
        points.compactMap { epoch, values in
          Spread(ofSample: values.map(\.value)).map { Pretraining.Point(epoch: epoch, value: $0) }
        }
      )
    }
    return Pretraining(
      name: pretraining.label(of: network), backbone: network.backbone.name, datasets: pretraining.datasets,
      pictures: first.pictures, epochs: first.epochs.count,
      seconds: Spread(ofSample: runs.compactMap(\.result.seconds)), seeds: runs.map(\.pretraining.seed),
      curves: Dictionary(uniqueKeysWithValues: curves))
  }
}
