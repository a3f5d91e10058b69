// What CASS and CASS-MM share: two networks are brought to say the same of a meme.
//
// Shapes: N memes, S rows and columns of a picture, D features, K outputs.

import Encoders
import MemeData
import Networks
import Torch
import TorchNN

/// A pretraining by agreement of a network with a convolutional part for pictures and one with a transformer.
protocol AgreementMethod: PretrainingMethod {
  /// Rows and columns of pictures.
  var pictureSide: Int { get }
  var augmentation: PictureAugmentation { get }
  var standardizesOutputs: Bool { get }
  var addsNoise: Bool { get }
}

extension AgreementMethod {
  /// What it leaves, either network with one for texts where there is one.
  func descriptions(text: TextArchitecture?) -> [PretrainedDescription.Network] {
    zip(["convolutional", "transformer"], backbones).map { name, backbone in
      .init(name: name, backbone: backbone.name, side: pictureSide, text: text)
    }
  }

  /// Requires a convolutional network and a transformer, each where it is named so, for pictures of this size.
  func checkBackbones(_ check: inout SettingsCheck) {
    for (part, backbone) in zip(descriptions, backbones) {
      let isTransformer = backbone.name.patch != nil
      check.require(
        isTransformer == (part.name == "transformer"),
        "\(part.name).name is \(backbone.name), \(isTransformer ? "a transformer" : "a ResNet"); a ResNet as "
          + "convolutional and a ViT as transformer are brought to agree")
      backbone.check(&check, sides: [("picture_side", pictureSide)])
    }
  }

  /// What both networks start from: what `network` says of each by its own paths, below its name.
  func initialValues(ofEach network: (BackboneSettings) throws -> [String: Tensor]) throws -> [String: Tensor] {
    try zip(descriptions.map(\.name), backbones).reduce(into: [:]) { all, part in
      all.merge(try network(part.1).withPrefix("\(part.0).")) { $1 }
    }
  }
}

/// One of two networks that are brought to agree.
protocol AgreeingNetwork {
  /// What it is given of memes.
  associatedtype Input
  /// Where the network for pictures lies below this one's own path.
  static var picturePath: String { get }
  /// What sees the picture.
  var images: any PictureNetwork { get }
  /// Outputs [N, K] of memes.
  func callAsFunction(_ memes: Input, using generator: Generator?) -> Tensor
}

/// Two networks that begin, and the frame of their training.
struct AgreeingPair<Network: AgreeingNetwork> {
  /// By the names of what they leave, which begin the paths of their parameters.
  let networks: [(name: String, network: Network)]
  let store: ParameterStore
  private let method: any AgreementMethod
  private let seed: UInt64
  private let device: Device

  /// - Parameter network: Makes one with its parameters from a scope.
  init(
    of method: some AgreementMethod, seed: UInt64, device: Device, network: (BackboneSettings, Scope) -> Network
  ) throws {
    let parts = zip(method.descriptions.map(\.name), method.backbones)
    store = ParameterStore(
      initializingFrom: Generator(seed: seed, parts: "initial"), given: try method.initialValues(), device: device)
    let root = store.root
    networks = parts.map { ($0, network($1, root[$0])) }
    try store.requireFit()
    self.method = method
    self.seed = seed
    self.device = device
  }

  /// Says how the networks are trained on views of the memes' pictures.
  ///
  /// - Parameters:
  ///   - memes: Rows of the features to learn from.
  ///   - input: What both networks are given of memes whose pictures are [N, 3, S, S].
  ///   - watched: Outputs [N, K] whose deviation tells of a collapse, from a network and its features [N, D] of the probe's
  ///     pictures.
  func prepared(
    for memes: [Int], of features: FeatureTable, probe: PretrainingProbe,
    input: @escaping (_ memes: [Int], _ pictures: Tensor) -> Network.Input,
    watched: @escaping (_ network: Network, _ features: Tensor) -> Tensor
  ) throws -> PreparedPretraining {
    let (name, side) = (type(of: method).name, method.pictureSide)
    let pictures = features.requestedPictures
    let views = method.augmentation.viewsOrCopies(of: pictures, seed: seed, stage: name)
    let seen = PictureInput.imageNet(on: device)
    let agreement = Agreement(standardizesOutputs: method.standardizesOutputs, addsNoise: method.addsNoise)
    var stage = try method.training.stage(
      named: name, parameters: store.parameters, buffers: networks.flatMap(\.network.images.buffers),
      exampleCount: memes.count, request: method.request
    ) { [networks] batch in
      let rows: [Int] = batch.rows.values()
      let given = input(rows.map { memes[$0] }, seen(batch.inputs[0]))
      let said = networks.map { $0.network(given, using: batch.generator) }
      return agreement(said[0], said[1], using: batch.generator)
    }
    stage.preparation = { rows, epoch in [views(rows.map { memes[$0] }, epoch: epoch)] }
    let watch = try PretrainingWatch(
      networks.map { name, network in
        .init(name: name, vectors: { network.images($0, using: nil) }) {
          ["outputs_deviation": CollapseWatch.deviation(watched(network, $0))]
        }
      }, on: pictures, side: side, pipeline: method.augmentation.pipeline(side: side) ?? .flip, probe: probe,
      seed: seed, device: device, advice: agreement.advice)
    stage.observation = { try watch() }
    return PreparedPretraining(
      stage: stage,
      networks: method.descriptions.map { description in
        .init(description: description, values: store.values.below("\(description.name).\(Network.picturePath)."))
      }, before: watch.before)
  }
}

/// How two networks are brought to agree, and how it is told that they do so by saying the same of everything.
struct Agreement {
  var standardizesOutputs: Bool
  var addsNoise: Bool

  /// The loss of what both networks say of examples [N, K].
  func callAsFunction(_ first: Tensor, _ second: Tensor, using generator: Generator) -> Tensor {
    let (x, y) = standardizesOutputs ? (first.standardized, second.standardized) : (first, second)
    return agreementLoss(x, y, noise: addsNoise ? generator : nil)
  }

  func advice(_ network: String, _ measure: (String) -> Double) -> String? {
    let deviation = measure("outputs_deviation")
    guard deviation < 0.05 else { return nil }
    return "\(network) says the same of all memes: its outputs' deviation is \(rounded(deviation)); "
      + (standardizesOutputs
        ? "lower settings.training.learning_rate, or begin at trained weights (--init)"
        : "--set settings.standardizes_outputs=true, or begin at trained weights (--init)")
  }
}

extension Tensor {
  /// Columns of mean 0 and variance 1 over the rows.
  fileprivate var standardized: Tensor {
    let centered = self - mean(along: 0, keepingRank: true)
    return centered / ((centered * centered).mean(along: 0, keepingRank: true) + 1e-5).squareRoot()
  }
}
