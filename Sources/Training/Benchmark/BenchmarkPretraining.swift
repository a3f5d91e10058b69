import Encoders
import Foundation
import Methods
import Networks

/// One pretraining of a benchmark: what one entry of the suite trains at one seed.
public struct BenchmarkPretraining: Sendable {
  /// What the suite calls it.
  public let name: String
  public let seed: UInt64
  /// The complete recipe, as `memesense pretrain` would resolve it.
  public let recipe: PretrainingRecipe
  /// The name of the recipe that it was made from.
  public let recipeName: String
  /// The suite's names of the datasets it learns from.
  public let datasets: [String]
  /// Paths of the pretrainings that it starts from.
  let needs: [String]

  /// Where it lies under the benchmark's folder; `memesense train --encoder` takes it as a run.
  public var path: String { "pretrainings/\(name)-\(seed)" }

  /// The networks that it leaves.
  public var networks: [PretrainedDescription.Network] { recipe.method.descriptions }

  /// What tables call a network of it.
  public func label(of network: PretrainedDescription.Network) -> String {
    networks.count == 1 ? name : "\(name):\(network.name)"
  }
}

extension BenchmarkPretraining: CustomStringConvertible {
  public var description: String { "\(name) · seed \(seed)" }
}

/// The pretrainings of a suite at one seed, by the names that its methods have for them: `NAME` for the first network, or
/// `NAME:NETWORK`.
struct NamedPretrainings {
  /// What a name stands for.
  struct Choice {
    let pretraining: BenchmarkPretraining
    let network: PretrainedDescription.Network
    /// The run's folder.
    let run: String
    /// The network as recipes name it.
    var model: String { pretraining.networks.count == 1 ? run : "\(run):\(network.name)" }
    /// The network as tables name it.
    var label: String { pretraining.label(of: network) }
  }

  /// The benchmark's folder.
  let folder: URL
  private(set) var all: [BenchmarkPretraining] = []

  init(in folder: URL) { self.folder = folder }

  mutating func append(_ pretraining: BenchmarkPretraining) { all.append(pretraining) }

  /// What a name stands for; `nil` where it is that of no pretraining.
  ///
  /// - Throws: ``RecipeError`` where the pretraining has no such network, or where the name means no model either: a
  ///   mistyped one would be missed only after the hours that others train.
  func choice(_ name: String) throws -> Choice? {
    let parts = name.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    guard let pretraining = all.first(where: { $0.name == parts[0] }) else {
      let models = EncoderCatalog.entries.map(\.name) + ["random"]
      guard name.contains("/") || models.contains(name) || EncoderCatalog.weightFile(named: name) != nil else {
        let others = ["OWNER/MODEL of the hub", "the path of a run", "a file of weights"]
        throw RecipeError(
          description: "'\(name)' is no pretraining of the suite and no model; expected "
            + (all.map(\.name) + models + others).joined(separator: ", "))
      }
      return nil
    }
    let networks = pretraining.networks
    guard let network = parts.count == 1 ? networks[0] : networks.first(where: { $0.name == parts[1] }) else {
      throw RecipeError(
        description: "the pretraining '\(parts[0])' leaves no network '\(parts[1])'; expected "
          + networks.map(\.name).joined(separator: " or "))
    }
    return Choice(
      pretraining: pretraining, network: network,
      run: folder.appending(path: pretraining.path).standardizedFileURL.path)
  }

  /// An encoder of the suite as recipes and as tables name it, with the paths of the pretrainings in it.
  func encoder(_ name: String) throws -> (model: String, label: String, needs: [String]) {
    var needs: [String] = []
    let model = try EncoderCatalog.replacingSides(of: name) { side in
      guard let choice = try choice(side) else { return side }
      needs.append(choice.pretraining.path)
      return choice.model
    }
    return (model, try EncoderCatalog.replacingSides(of: name) { try choice($0)?.label ?? $0 }, needs)
  }

  /// The weights of a backbone that a name stands for, with the networks that these may be of and the path of their
  /// pretraining: where it names no network, those of the one with that backbone. `nil` where the name is that of no
  /// pretraining.
  ///
  /// - Throws: ``RecipeError`` where there are none of that backbone.
  func weights(
    _ name: String, for backbone: Backbone
  ) throws -> (weights: InitialWeights, networks: [PretrainedDescription.Network], path: String)? {
    guard let choice = try choice(name) else { return nil }
    let networks = name.contains(":") ? [choice.network] : choice.pretraining.networks
    guard networks.contains(where: { $0.backbone == backbone }) else {
      throw RecipeError(
        description: "'\(name)' has no weights of \(backbone), but of "
          + networks.map(\.backbone.name).joined(separator: " and "))
    }
    let model = name.contains(":") ? choice.model : choice.run
    return (InitialWeights(model: model), networks, choice.pretraining.path)
  }
}
