// CASS: a convolutional network and a transformer are brought to say the same of a picture.
//
// Paper: Singh, Sizikova, Cirrone, "CASS: Cross Architectural Self-Supervision for Medical Image Analysis" (arXiv:2206.04170).
// Specification: reference file 07 §A and §E (pranavsinghps1/CASS).
//
// Shapes: N pictures, K outputs.

import Encoders
import MemeData
import Networks
import Torch
import TorchNN

/// Agreement of two architectures on one view of each picture. It leaves both networks.
///
/// Gradients are zeroed before each step and the learning rate falls over the whole run; the published notebook does
/// neither (reference 07 §E).
public struct CASS: PretrainingMethod {
  public static let name = "cass"
  public static let summary = "a convolutional network and a transformer learn to agree on pictures"

  public var convolutional = BackboneSettings("resnet50")
  public var transformer = BackboneSettings("vit-b16")
  /// Rows and columns of pictures.
  public var pictureSide = 384
  public var augmentation = PictureAugmentation.cass
  /// Numbers that the networks agree on; those of ImageNet's classifiers, which published weights have.
  public var outputs = 1000
  /// Whether each output has mean 0 and variance 1 over a batch before outputs are compared. Without it the loss has a
  /// trivial solution, the same output for all pictures, which networks that begin at random weights find.
  public var standardizesOutputs = false
  /// Whether the little noise of the later variant is added to outputs.
  public var addsNoise = false
  public var training: PretrainingSchedule = {
    var training = PretrainingSchedule()
    training.rule = .adam
    training.batchSize = 16
    training.learningRate = 1e-3
    training.warmUpEpochs = 0
    training.weightDecay = 0
    training.finalWeightDecay = 0
    training.gradientClip = 0
    return training
  }()

  public init() {}

  enum CodingKeys: String, CodingKey {
    case convolutional, transformer, augmentation, outputs, training
    case pictureSide = "picture_side"
    case standardizesOutputs = "standardizes_outputs"
    case addsNoise = "adds_noise"
  }

  public var backbones: [BackboneSettings] {
    get { [convolutional, transformer] }
    set { (convolutional, transformer) = (newValue[0], newValue[1]) }
  }

  public var request: FeatureRequest { FeatureRequest(readsFeatures: false, pictureSide: pictureSide) }

  public var fault: String? {
    var check = SettingsCheck()
    for backbone in backbones { backbone.check(&check, sides: [("picture_side", pictureSide)]) }
    check.require(outputs, in: 2...1_000_000, "outputs")
    training.check(&check)
    return check.fault
  }

  /// A backbone and its classifier, named as timm names them.
  struct Network {
    let backbone: any PictureNetwork
    let head: Linear

    init(_ backbone: any PictureNetwork, outputs: Int, in scope: Scope) {
      self.backbone = backbone
      head = Linear(inputs: backbone.width, outputs: outputs, in: scope)
    }

    /// Outputs [N, K] of pictures.
    func callAsFunction(_ pictures: Tensor, using generator: Generator?) -> Tensor {
      head(backbone(pictures, using: generator)).to(.float32)
    }
  }

  public func prepared(
    for memes: [Int], of features: FeatureTable, probe: PretrainingProbe, seed: UInt64, device: Device
  ) throws -> PreparedPretraining {
    let pictures = features.requestedPictures
    let names = ["convolutional", "transformer"]
    var given: [String: Tensor] = [:]
    for (name, backbone) in zip(names, backbones) {
      given.merge(try backbone.initialValues(side: pictureSide).withPrefix("\(name).backbone.")) { $1 }
      given.merge(try backbone.classifierValues(outputs: outputs).withPrefix("\(name).head.")) { $1 }
    }
    let store = ParameterStore(initializingFrom: Generator(seed: seed, parts: "initial"), given: given, device: device)
    let networks = zip(names, backbones).map { name, backbone in
      let scope = store.root[name]
      return Network(
        backbone.name.network(side: pictureSide, in: scope["backbone"]), outputs: outputs, in: scope["head"])
    }
    try store.requireFit()
    let input = PictureInput.imageNet(on: device)
    let pipeline = augmentation.pipeline(side: pictureSide)
    let views = PictureViews(
      of: pictures, pipeline ?? AugmentationPipeline([]), side: pictureSide, seed: seed, stage: Self.name)

    let agreement = Agreement(standardizesOutputs: standardizesOutputs, addsNoise: addsNoise)

    var stage = try training.stage(
      named: Self.name, parameters: store.parameters, buffers: networks.flatMap(\.backbone.buffers),
      exampleCount: memes.count
    ) { batch in
      let seen = input(batch.inputs[0])
      let said = networks.map { $0(seen, using: batch.generator) }
      return agreement(said[0], said[1], using: batch.generator)
    }
    stage.preparation = { rows, epoch in [views(rows.map { memes[$0] }, epoch: epoch)] }
    let watch = try PretrainingWatch(
      zip(names, networks).map { name, network in
        .init(name: name, vectors: { network.backbone($0, using: nil) }) {
          ["outputs_deviation": CollapseWatch.deviation(network.head($0).to(.float32))]
        }
      }, on: pictures, side: pictureSide, pipeline: pipeline ?? .flip, probe: probe, seed: seed, device: device,
      advice: agreement.advice)
    stage.observation = { try watch() }
    return PreparedPretraining(
      stage: stage,
      networks: zip(names, backbones).map { name, backbone in
        .init(
          description: .init(name: name, backbone: backbone.name, side: pictureSide),
          values: store.values.below("\(name).backbone."))
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
