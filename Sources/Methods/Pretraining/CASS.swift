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
public struct CASS: AgreementMethod {
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

  public var descriptions: [PretrainedDescription.Network] { descriptions(text: nil) }

  public var request: FeatureRequest { FeatureRequest(readsFeatures: false, pictureSide: pictureSide) }

  public var fault: String? {
    var check = SettingsCheck()
    checkBackbones(&check)
    check.require(outputs, in: 2...1_000_000, "outputs")
    training.check(&check)
    return check.fault
  }

  public func initialValues() throws -> [String: Tensor] {
    try initialValues(ofEach: { backbone in
      try backbone.initialValues(side: pictureSide).withPrefix("backbone.")
        .merging(backbone.classifierValues(outputs: outputs).withPrefix("head.")) { $1 }
    })
  }

  /// A backbone and its classifier, named as timm names them.
  struct Network: AgreeingNetwork {
    static let picturePath = "backbone"
    let images: any PictureNetwork
    let head: Linear

    init(_ backbone: any PictureNetwork, outputs: Int, in scope: Scope) {
      images = backbone
      head = Linear(inputs: backbone.width, outputs: outputs, in: scope)
    }

    /// Outputs [N, K] of pictures.
    func callAsFunction(_ pictures: Tensor, using generator: Generator?) -> Tensor {
      head(images(pictures, using: generator)).to(.float32)
    }
  }

  public func prepared(
    for memes: [Int], of features: FeatureTable, probe: PretrainingProbe, seed: UInt64, device: Device
  ) throws -> PreparedPretraining {
    let pair = try AgreeingPair(of: self, seed: seed, device: device) { backbone, scope in
      Network(backbone.name.network(side: pictureSide, in: scope["backbone"]), outputs: outputs, in: scope["head"])
    }
    return try pair.prepared(for: memes, of: features, probe: probe) { _, pictures in
      pictures
    } watched: { network, features in
      network.head(features).to(.float32)
    }
  }
}
