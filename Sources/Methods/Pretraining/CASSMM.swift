// CASS-MM: two multimodal networks, one with a convolutional network and one with a transformer, are brought to say the same
// of a meme.
//
// Seed 004; specification: reference file 07 §B.
//
// Shapes: N memes, K outputs.

import Encoders
import MemeData
import Networks
import Torch
import TorchNN

/// Agreement of two networks that both see the picture and read the text. It leaves both, each with its network for texts.
///
/// All layers are trained; in the published code those on both modalities stay as they were drawn by mistake, and the learning
/// rate falls with every batch whose loss is not lower than the one before (reference 07 §B). Weights of all parts decay; there
/// those of the encoders do not.
public struct CASSMM: AgreementMethod {
  /// Widths of the layers behind the networks (reference 07 §B).
  public struct Widths: Codable, Sendable, Equatable {
    /// What a picture's features become first, by a layer that counts as the picture network's last: published networks have
    /// it in the place of their classifier.
    public var picture = 512
    /// What each modality becomes before both stand side by side.
    public var path = 300
    public var fused = 256

    public init() {}
  }

  public static let name = "cass-mm"
  public static let summary = "two networks that see pictures and read texts learn to agree on memes"

  public var convolutional = BackboneSettings("resnet50")
  public var transformer = BackboneSettings("vit-b16")
  public var pictureSide = 384
  /// Of either network, which has one of its own.
  public var text: TextNetworkSettings = {
    var text = TextNetworkSettings()
    text.architecture.textLength = 200
    return text
  }()
  public var widths = Widths()
  public var outputs = 1000
  /// As in ``CASS``.
  public var standardizesOutputs = false
  public var addsNoise = true
  public var augmentation = PictureAugmentation.none
  /// Learning rates as parts of the picture networks'.
  public var textRate = 0.1
  public var headRate = 10.0
  public var training: PretrainingSchedule = {
    var training = PretrainingSchedule()
    (training.epochs, training.batchSize, training.warmUpEpochs) = (100, 4, 0)
    (training.learningRate, training.weightDecay, training.finalWeightDecay) = (1e-4, 1e-3, 1e-3)
    training.gradientClip = 0
    return training
  }()

  public init() {}

  enum CodingKeys: String, CodingKey {
    case convolutional, transformer, text, widths, outputs, augmentation, training
    case pictureSide = "picture_side"
    case standardizesOutputs = "standardizes_outputs"
    case addsNoise = "adds_noise"
    case textRate = "text_rate"
    case headRate = "head_rate"
  }

  public var backbones: [BackboneSettings] {
    get { [convolutional, transformer] }
    set { (convolutional, transformer) = (newValue[0], newValue[1]) }
  }

  public var descriptions: [PretrainedDescription.Network] { descriptions(text: text.architecture) }

  public var initialWeights: [InitialWeights] { backbones.map(\.weights) + [text.weights] }

  public mutating func startTexts(from networks: [PretrainedDescription.Network], of run: InitialWeights) {
    text.start(from: networks, beside: backbones.map(\.name), of: run)
  }

  public var request: FeatureRequest {
    FeatureRequest(readsFeatures: false, readsTokens: true, pictureSide: pictureSide)
  }

  public var fault: String? {
    var check = SettingsCheck()
    checkBackbones(&check)
    text.check(&check, "text")
    for (name, width) in [("picture", widths.picture), ("path", widths.path), ("fused", widths.fused)] {
      check.require(width, in: 1...65_536, "widths.\(name)")
    }
    check.require(outputs, in: 2...1_000_000, "outputs")
    check.require(textRate, in: 1e-6...1e6, "text_rate")
    check.require(headRate, in: 1e-6...1e6, "head_rate")
    training.check(&check)
    return check.fault
  }

  public func initialValues() throws -> [String: Tensor] {
    try initialValues(ofEach: { backbone in
      try backbone.initialValues(side: pictureSide).withPrefix("images.")
        .merging(text.initialValues(beside: backbone.name).withPrefix("texts.")) { $1 }
    })
  }

  /// Memes as a network is given them.
  struct Input {
    /// As networks see them. [N, 3, S, S]
    var pictures: Tensor
    var texts: TokenBatch
  }

  /// What sees a picture, what reads a text, and the layers on both.
  struct Network: AgreeingNetwork {
    static let picturePath = "images"
    let images: any PictureNetwork
    private let texts: any TextNetwork
    private let picture: Linear
    private let imagePath: Linear
    private let textPath: Linear
    private let fused: Linear
    private let output: Linear

    init(_ images: any PictureNetwork, _ texts: any TextNetwork, _ widths: Widths, outputs: Int, in scope: Scope) {
      self.images = images
      self.texts = texts
      picture = Linear(inputs: images.width, outputs: widths.picture, in: scope["picture"])
      imagePath = Linear(inputs: widths.picture, outputs: widths.path, in: scope["image"])
      textPath = Linear(inputs: texts.width, outputs: widths.path, in: scope["text"])
      fused = Linear(inputs: 2 * widths.path, outputs: widths.fused, in: scope["fused"])
      output = Linear(inputs: widths.fused, outputs: outputs, in: scope["output"])
    }

    func callAsFunction(_ memes: Input, using generator: Generator?) -> Tensor {
      let seen = imagePath(picture(images(memes.pictures, using: generator)))
      let states = texts(memes.texts.ids, isPresent: memes.texts.isPresent, using: generator)
      let read = textPath(states.selected(0, along: 1))
      return output(fused(.concatenated([read, seen], along: 1)).relu()).to(.float32)
    }
  }

  func network(_ backbone: BackboneSettings, in scope: Scope) -> Network {
    Network(
      backbone.name.network(side: pictureSide, in: scope["images"]), text.architecture.network(in: scope["texts"]),
      widths, outputs: outputs, in: scope["head"])
  }

  /// The learning rate of a parameter of ``Network`` as a part of the picture networks'.
  private func rate(of parameter: String) -> Double {
    if parameter.hasPrefix("images.") || parameter.hasPrefix("head.picture.") { return 1 }
    return parameter.hasPrefix("texts.") ? textRate : headRate
  }

  public func prepared(
    for memes: [Int], of features: FeatureTable, probe: PretrainingProbe, seed: UInt64, device: Device
  ) throws -> PreparedPretraining {
    try text.requireKnownTokens(of: features)
    let pair = try AgreeingPair(of: self, seed: seed, device: device) { network($0, in: $1) }
    func input(_ memes: [Int], _ pictures: Tensor) -> Input {
      Input(pictures: pictures, texts: text.tokens(features, memes, on: device))
    }
    let watched = PretrainingWatch.watched(of: memes)
    let seen = PictureInput.imageNet(on: device)
    var prepared = try pair.prepared(for: memes, of: features, probe: probe, input: input) { network, _ in
      .concatenated(
        watched.map { network(input($0, seen(features.requestedPictures.gathered($0))), using: nil) }, along: 0)
    }
    let names = pair.networks.flatMap { name, _ in pair.store.root[name].namedParameters.map(\.name) }
    for (index, name) in names.enumerated() { prepared.stage.scales[index].rate = rate(of: name) }
    for (index, part) in pair.networks.enumerated() {
      prepared.networks[index].textValues = pair.store.values.below("\(part.name).texts.")
    }
    return prepared
  }
}
