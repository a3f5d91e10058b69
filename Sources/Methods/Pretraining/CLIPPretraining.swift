// CLIP: a network for pictures and one for texts learn which picture and which text are one meme's.
//
// Paper: Radford et al., "Learning Transferable Visual Models From Natural Language Supervision" (arXiv:2103.00020), and for
// large batches in little memory Gao, Zhang, Han, Callan, "Scaling Deep Contrastive Learning Batch Size under Memory Limited
// Setup" (arXiv:2101.06983). Specification: reference file 09 §B and §C, with the networks of seed 004.
//
// Shapes: N memes, E embedding.

import Encoders
import MemeData
import Networks
import Torch
import TorchNN

/// Symmetric InfoNCE of pictures and texts with a learned scale, or its variant with soft targets. It leaves both networks.
///
/// Weights of all parts decay, as in CLIP's own training; in the code of seed 004 the projections' alone (reference 09 §B and §C).
public struct CLIPPretraining: PretrainingMethod {
  /// What maps features to the space that pictures and texts share.
  public struct Projection: Codable, Sendable, Equatable {
    public var width = 256
    public var dropoutRate = 0.1

    public init() {}

    enum CodingKeys: String, CodingKey {
      case width
      case dropoutRate = "dropout_rate"
    }
  }

  public static let name = "clip"
  public static let summary = "a network for pictures and one for texts learn which belong to one meme"

  public var backbone = BackboneSettings("resnet50")
  /// Rows and columns of pictures.
  public var pictureSide = 224
  public var text = TextNetworkSettings()
  public var projection = Projection()
  public var loss = CLIPLoss.paired
  public var augmentation = PictureAugmentation.none
  /// Learning rates as parts of the picture network's.
  public var textRate = 0.1
  public var projectionRate = 10.0
  /// Memes that are embedded at once, where a batch is larger than memory has place for: its loss is that of the whole batch
  /// still, and all but the embeddings is computed once more in the backward pass. 0 for the whole batch.
  public var cachedBatch = 0
  public var training: PretrainingSchedule = {
    var training = PretrainingSchedule()
    (training.epochs, training.batchSize, training.warmUpEpochs) = (4, 32, 0)
    (training.learningRate, training.weightDecay, training.finalWeightDecay) = (1e-4, 1e-3, 1e-3)
    training.gradientClip = 0
    return training
  }()

  public init() {}

  enum CodingKeys: String, CodingKey {
    case backbone, text, projection, loss, augmentation, training
    case pictureSide = "picture_side"
    case textRate = "text_rate"
    case projectionRate = "projection_rate"
    case cachedBatch = "cached_batch"
  }

  public var backbones: [BackboneSettings] {
    get { [backbone] }
    set { backbone = newValue[0] }
  }

  public var descriptions: [PretrainedDescription.Network] {
    [.init(name: Self.name, backbone: backbone.name, side: pictureSide, text: text.architecture)]
  }

  public var initialWeights: [InitialWeights] { backbones.map(\.weights) + [text.weights] }

  public mutating func startTexts(from networks: [PretrainedDescription.Network], of run: InitialWeights) {
    text.start(from: networks, beside: [backbone.name], of: run)
  }

  public var request: FeatureRequest {
    FeatureRequest(readsFeatures: false, readsTokens: true, pictureSide: pictureSide)
  }

  public var fault: String? {
    var check = SettingsCheck()
    backbone.check(&check, sides: [("picture_side", pictureSide)])
    text.check(&check, "text")
    check.require(projection.width, in: 1...65_536, "projection.width")
    check.require(projection.dropoutRate, in: 0...0.99, "projection.dropout_rate")
    check.require(textRate, in: 1e-6...1e6, "text_rate")
    check.require(projectionRate, in: 1e-6...1e6, "projection_rate")
    check.require(cachedBatch, in: 0...1_000_000, "cached_batch")
    check.require(
      cachedBatch == 0 || backbone.name.patch != nil,
      "cached_batch is \(cachedBatch); it must be 0 for \(backbone.name), whose statistics are those of a whole batch")
    training.check(&check)
    return check.fault
  }

  public func initialValues() throws -> [String: Tensor] {
    try backbone.initialValues(side: pictureSide).withPrefix("images.")
      .merging(text.initialValues(beside: backbone.name).withPrefix("texts.")) { $1 }
  }

  /// Both networks with their projections.
  struct Network {
    let images: any PictureNetwork
    let texts: any TextNetwork
    let imageProjection: ProjectionHead
    let textProjection: ProjectionHead
    let logScale: Tensor
    /// All of them, in the order they were taken.
    let parameters: [Tensor]

    /// Embeddings [N, E] of pictures and of tokens.
    func callAsFunction(
      _ pictures: Tensor, _ ids: Tensor, isPresent: Tensor, using generator: Generator?
    ) -> (images: Tensor, texts: Tensor) {
      let seen = images(pictures, using: generator)
      let read = texts(ids, isPresent: isPresent, using: generator).selected(0, along: 1)
      return (imageProjection(seen, using: generator), textProjection(read, using: generator))
    }

    /// The same some memes at a time, of which the backward pass computes all but the embeddings once more.
    func cached(
      _ pictures: Tensor, _ ids: Tensor, isPresent: Tensor, batch: Int, using generator: Generator
    ) -> (images: Tensor, texts: Tensor) {
      let count = pictures.shape[0]
      let parts = stride(from: 0, to: count, by: batch).map { start in
        let part = start..<min(start + batch, count)
        return recomputed([pictures.sliced(part)], parameters: parameters, using: generator) { inputs, generator in
          let found = self(inputs[0], ids.sliced(part), isPresent: isPresent.sliced(part), using: generator)
          return [found.images, found.texts]
        }
      }
      return (.concatenated(parts.map { $0[0] }, along: 0), .concatenated(parts.map { $0[1] }, along: 0))
    }
  }

  func network(in scope: Scope) -> Network {
    let images = backbone.name.network(side: pictureSide, in: scope["images"])
    let texts = text.architecture.network(in: scope["texts"])
    func head(_ inputs: Int, _ name: String) -> ProjectionHead {
      ProjectionHead(
        inputs: inputs, outputs: projection.width, dropoutRate: projection.dropoutRate, in: scope["projections"][name])
    }
    let heads = (head(images.width, "image"), head(texts.width, "text"))
    let scale = scope["projections"].parameter("log_scale", [], .constant(CLIPLoss.initialLogScale))
    return Network(
      images: images, texts: texts, imageProjection: heads.0, textProjection: heads.1, logScale: scale,
      parameters: ["images", "texts"].flatMap { scope[$0].parameters } + scope["projections"].parameters.dropLast())
  }

  public func prepared(
    for memes: [Int], of features: FeatureTable, probe: PretrainingProbe, seed: UInt64, device: Device
  ) throws -> PreparedPretraining {
    let pictures = features.requestedPictures
    try text.requireKnownTokens(of: features)
    let store = ParameterStore(
      initializingFrom: Generator(seed: seed, parts: "initial"), given: try initialValues(), device: device)
    let network = network(in: store.root)
    try store.requireFit()
    let input = PictureInput.imageNet(on: device)
    let views = augmentation.viewsOrCopies(of: pictures, seed: seed, stage: Self.name)
    let parameters = store.parameters
    var stage = try training.stage(
      named: Self.name, parameters: parameters, buffers: network.images.buffers, exampleCount: memes.count,
      request: request
    ) { [loss, cachedBatch, text] batch in
      let chosen: [Int] = batch.rows.values()
      let tokens = text.tokens(features, chosen.map { memes[$0] }, on: device)
      let seen = input(batch.inputs[0])
      let found =
        cachedBatch > 0
        ? network.cached(seen, tokens.ids, isPresent: tokens.isPresent, batch: cachedBatch, using: batch.generator)
        : network(seen, tokens.ids, isPresent: tokens.isPresent, using: batch.generator)
      return loss(images: found.images, texts: found.texts, logScale: network.logScale)
    }
    stage.preparation = { rows, epoch in [views(rows.map { memes[$0] }, epoch: epoch)] }
    stage.afterStep = { _, parameters in
      let scale = parameters[parameters.count - 1]  // taken last of all
      withoutGrad { scale.copy(from: scale.clamped(min: nil, max: CLIPLoss.largestLogScale)) }
    }
    let (imageCount, textCount) = (store.root["images"].parameters.count, store.root["texts"].parameters.count)
    for index in stage.scales.indices.dropFirst(imageCount) {
      stage.scales[index].rate = index < imageCount + textCount ? textRate : projectionRate
    }
    let watched = PretrainingWatch.watched(of: memes)
    let watch = try PretrainingWatch(
      [
        .init(name: Self.name, vectors: { network.images($0, using: nil) }) { [text] _ in
          let found = watched.map { memes in
            let tokens = text.tokens(features, memes, on: device)
            return network(input(pictures.gathered(memes)), tokens.ids, isPresent: tokens.isPresent, using: nil)
          }
          func all(_ parts: [Tensor]) -> Tensor { .concatenated(parts, along: 0) }
          return [
            "scale": network.logScale.exp().item,
            "pairing": CollapseWatch.pairing(all(found.map(\.images)), all(found.map(\.texts))),
          ]
        }
      ], on: pictures, side: pictureSide, pipeline: augmentation.pipeline(side: pictureSide) ?? .flip, probe: probe,
      seed: seed, device: device, advice: Self.advice)
    stage.observation = { try watch() }
    return PreparedPretraining(
      stage: stage,
      networks: [
        .init(
          description: descriptions[0], values: store.values.below("images."),
          textValues: store.values.below("texts."))
      ], before: watch.before)
  }

  static func advice(_ network: String, _ measure: (String) -> Double) -> String? {
    let pairing = measure("pairing")
    guard pairing < 0.55 else { return nil }
    return "\(network) tells the text of a picture from others hardly better than a guess: its pairing is "
      + "\(rounded(pairing)), and 0.5 is a guess; give more data or epochs, or begin at trained weights (--init)"
  }
}
