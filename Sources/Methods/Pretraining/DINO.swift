// DINO: a student tells of small parts of a picture what a teacher, its own moving average, tells of large ones.
//
// Paper: Caron, Touvron, Misra, Jégou, Mairal, Bojanowski, Joulin, "Emerging Properties in Self-Supervised Vision
// Transformers", ICCV 2021 (arXiv:2104.14294). Specification: reference file 08 (facebookresearch/dino).
//
// Shapes: N pictures, V views of each, K outputs.

import Encoders
import MemeData
import Networks
import Torch
import TorchNN

/// Self-distillation without labels. It leaves the teacher.
///
/// Crops are cut out of pictures that have been squashed to squares of `picture_side`, which are kept in a cache; the
/// published code cuts them out of the original.
public struct DINO: PretrainingMethod {
  /// The views of a picture: two global ones for teacher and student, and local ones for the student alone.
  public struct Crops: Codable, Sendable, Equatable {
    /// Rows and columns of a global crop.
    public var side = 224
    /// The least share of the area in a global crop.
    public var leastArea = 0.4
    public var localCount = 8
    public var localSide = 96
    /// The largest share of the area in a local crop; the least is 0.05.
    public var largestLocalArea = 0.4

    public init() {}

    enum CodingKeys: String, CodingKey {
      case side
      case leastArea = "least_area"
      case localCount = "local_count"
      case localSide = "local_side"
      case largestLocalArea = "largest_local_area"
    }

    static let leastLocalArea = 0.05

    private static func colours(then blur: Double) -> [AugmentationPipeline.Step] {
      AugmentationPipeline.flip.steps + [
        .init(.jitter(brightness: 0.4, contrast: 0.4, saturation: 0.2, hue: 0.1), probability: 0.8),
        .init(.grey, probability: 0.2),
        .init(.blur(), probability: blur),
      ]
    }

    /// Pipelines of the first global crop, the second, and the local ones (reference 08 §2).
    var global: AugmentationPipeline {
      AugmentationPipeline([.init(.crop(side: side, area: leastArea...1))] + Self.colours(then: 1))
    }
    var secondGlobal: AugmentationPipeline {
      AugmentationPipeline(
        [.init(.crop(side: side, area: leastArea...1))] + Self.colours(then: 0.1)
          + [.init(.solarize, probability: 0.2)])
    }
    var local: AugmentationPipeline {
      AugmentationPipeline(
        [.init(.crop(side: localSide, area: Self.leastLocalArea...largestLocalArea))] + Self.colours(then: 0.5))
    }
  }

  /// What the teacher's outputs are divided by: it changes linearly over some epochs, then stays.
  public struct TeacherTemperature: Codable, Sendable, Equatable {
    public var start = 0.04
    public var end = 0.04
    public var warmUpEpochs = 0

    public init() {}

    enum CodingKeys: String, CodingKey {
      case start, end
      case warmUpEpochs = "warm_up_epochs"
    }
  }

  public static let name = "dino"
  public static let summary = "a student learns from its own average what small parts of a picture belong to"

  public var backbone = BackboneSettings("vit-b16")
  /// Rows and columns of the pictures that crops are cut out of.
  public var pictureSide = 256
  public var crops = Crops()
  public var head = DINOHead.Configuration()
  /// Of the student's blocks, where they are a transformer's.
  public var dropPathRate = 0.1
  public var studentTemperature = 0.1
  public var teacherTemperature = TeacherTemperature()
  public var centerMomentum = 0.9
  /// How much of the teacher stays at the first step; it rises to 1 along half a cosine.
  public var teacherMomentum = 0.996
  /// Epochs at the start during which the head's last layer stays as it is.
  public var frozenEpochs = 1
  public var training = PretrainingSchedule()

  public init() {}

  enum CodingKeys: String, CodingKey {
    case backbone, crops, head, training
    case pictureSide = "picture_side"
    case dropPathRate = "drop_path_rate"
    case studentTemperature = "student_temperature"
    case teacherTemperature = "teacher_temperature"
    case centerMomentum = "center_momentum"
    case teacherMomentum = "teacher_momentum"
    case frozenEpochs = "frozen_epochs"
  }

  public var backbones: [BackboneSettings] {
    get { [backbone] }
    set { backbone = newValue[0] }
  }

  public var descriptions: [PretrainedDescription.Network] {
    [.init(name: "teacher", backbone: backbone.name, side: crops.side)]
  }

  public var request: FeatureRequest { FeatureRequest(readsFeatures: false, pictureSide: pictureSide) }

  public var fault: String? {
    var check = SettingsCheck()
    let sides = [("crops.side", crops.side)] + (crops.localCount > 0 ? [("crops.local_side", crops.localSide)] : [])
    backbone.check(&check, sides: sides)
    check.require(pictureSide, in: 16...2048, "picture_side")
    check.require(crops.leastArea, in: 0.01...1, "crops.least_area")
    check.require(crops.localCount, in: 0...64, "crops.local_count")
    check.require(crops.largestLocalArea, in: Crops.leastLocalArea...1, "crops.largest_local_area")
    check.require(head.hidden, in: 1...65_536, "head.hidden")
    check.require(head.bottleneck, in: 1...65_536, "head.bottleneck")
    check.require(head.outputs, in: 2...1_000_000, "head.outputs")
    check.require(dropPathRate, in: 0...0.9, "drop_path_rate")
    check.require(studentTemperature, in: 1e-3...1e3, "student_temperature")
    check.require(teacherTemperature.start, in: 1e-3...1e3, "teacher_temperature.start")
    check.require(teacherTemperature.end, in: 1e-3...1e3, "teacher_temperature.end")
    check.require(teacherTemperature.warmUpEpochs, in: 0...100_000, "teacher_temperature.warm_up_epochs")
    check.require(centerMomentum, in: 0...1, "center_momentum")
    check.require(teacherMomentum, in: 0...1, "teacher_momentum")
    check.require(frozenEpochs, in: 0...100_000, "frozen_epochs")
    training.check(&check)
    return check.fault
  }

  public func initialValues() throws -> [String: Tensor] {
    try backbone.initialValues(side: crops.side).withPrefix("backbone.")
  }

  /// A backbone and the head that is compared by.
  struct Network {
    let backbone: any PictureNetwork
    let head: DINOHead

    init(_ backbone: any PictureNetwork, _ head: DINOHead.Configuration, in scope: Scope) {
      self.backbone = backbone
      self.head = DINOHead(inputs: backbone.width, head, in: scope)
    }

    /// Outputs [V · N, K] of views, those of a size together, one size after the other.
    func callAsFunction(_ groups: [Tensor], using generator: Generator?) -> Tensor {
      let features = groups.map { backbone($0, using: generator).to(.float32) }
      return head(.concatenated(features, along: 0))
    }
  }

  /// Parameters are named as the published checkpoints name them: `backbone.` and `head.`.
  private func network(dropPathRate: Double, in scope: Scope) -> Network {
    let network = backbone.name.network(side: crops.side, dropPathRate: dropPathRate, in: scope["backbone"])
    return Network(network, head, in: scope["head"])
  }

  public func prepared(
    for memes: [Int], of features: FeatureTable, probe: PretrainingProbe, seed: UInt64, device: Device
  ) throws -> PreparedPretraining {
    let pictures = features.requestedPictures
    let store = ParameterStore(
      initializingFrom: Generator(seed: seed, parts: "initial"), given: try initialValues(), device: device)
    let student = network(dropPathRate: dropPathRate, in: store.root)
    try store.requireFit()
    // The teacher starts as a copy, and nothing but the average changes it.
    let copy = ParameterStore(loading: store.values.mapValues { $0.detached().copied() }, device: device)
    let teacher = network(dropPathRate: 0, in: copy.root)
    let average = MovingAverage(changing: copy.parameters)
    let loss = DINOLoss(
      center: .zeros([1, head.outputs], device: device), studentTemperature: studentTemperature,
      centerMomentum: centerMomentum)
    let temperature = ValueSchedule(
      start: teacherTemperature.start, base: teacherTemperature.end, end: teacherTemperature.end,
      warmUpSteps: teacherTemperature.warmUpEpochs, stepCount: training.epochs)
    let input = PictureInput.imageNet(on: device)

    var stage = try training.stage(
      named: Self.name, parameters: store.parameters,
      buffers: student.backbone.buffers + teacher.backbone.buffers + average.values + [loss.center],
      exampleCount: memes.count, request: request
    ) { batch in
      let groups = batch.inputs.map { input($0) }
      let seen = withoutGrad { teacher([groups[0]], using: batch.generator) }
      let value = loss(
        student: student(groups, using: batch.generator), teacher: seen,
        teacherTemperature: temperature.value(at: batch.epoch))
      loss.moveCenter(to: seen)
      return value
    }
    func views(_ pipeline: AugmentationPipeline, side: Int) -> PictureViews {
      PictureViews(of: pictures, pipeline, side: side, seed: seed, stage: Self.name)
    }
    let first = views(crops.global, side: crops.side)
    let second = views(crops.secondGlobal, side: crops.side)
    let local = views(crops.local, side: crops.localSide)
    let localNumbers = 2..<2 + crops.localCount
    stage.preparation = { rows, epoch in
      let chosen = rows.map { memes[$0] }
      let global = Tensor.concatenated(
        [first(chosen, epoch: epoch, view: 0), second(chosen, epoch: epoch, view: 1)], along: 0)
      return localNumbers.isEmpty ? [global] : [global, local(chosen, epoch: epoch, views: localNumbers)]
    }
    let (perEpoch, clip) = (stage.batchCount, stage.beforeStep)
    stage.beforeStep = { [frozenEpochs] step, optimizer in
      if step / perEpoch < frozenEpochs {
        for parameter in student.head.lastLayer { parameter.setGrad(nil) }
      }
      clip?(step, optimizer)
    }
    let momentum = ValueSchedule(base: teacherMomentum, end: 1, stepCount: training.epochs * perEpoch)
    stage.afterStep = { average.update(from: $1, decay: momentum.value(at: $0 - 1)) }

    let watch = try PretrainingWatch(
      [
        .init(name: "teacher", vectors: { teacher.backbone($0, using: nil) }) { features in
          let entropy = CollapseWatch.entropies(
            loss.probabilities(teacher.head(features), temperature: teacherTemperature.end))
          return ["entropy": entropy.each, "mean_entropy": entropy.mean]
        }
      ], on: pictures, side: crops.side, pipeline: crops.global, probe: probe, seed: seed, device: device,
      advice: Self.advice)
    stage.observation = { try watch() }
    return PreparedPretraining(
      stage: stage,
      networks: [
        .init(description: descriptions[0], values: copy.values.below("backbone."))
      ], before: watch.before)
  }

  /// A low temperature drives the teacher towards one output, centering towards all alike (reference 08 §3 and §5); above
  /// 0.07, where the published recipe ends, the former is too weak.
  static func advice(_ network: String, _ measure: (String) -> Double) -> String? {
    let (each, mean) = (measure("entropy"), measure("mean_entropy"))
    if each > 0.98 {
      return
        "the \(network) knows nothing: the entropy of what it says is \(rounded(each)) of the largest there is; raise "
        + "settings.training.learning_rate, or lower settings.teacher_momentum or settings.teacher_temperature.end"
    }
    if mean < 0.1 {
      return
        "the \(network) says the same of all pictures: the entropy of the mean of what it says is \(rounded(mean)) of "
        + "the largest there is; raise settings.teacher_temperature.end (to 0.07 at most), or lower "
        + "settings.center_momentum or settings.training.learning_rate"
    }
    return nil
  }
}

extension ParameterStore {
  /// Throws where given values do not fit the network that was made of them.
  func requireFit() throws {
    do {
      try validate()
    } catch {
      throw MethodError("the weights to start from do not fit: \(error); name the backbone that they are of")
    }
  }
}

extension [String: Tensor] {
  /// What stands below a prefix, without it.
  func below(_ prefix: String) -> [String: Tensor] {
    Dictionary(
      uniqueKeysWithValues: filter { $0.key.hasPrefix(prefix) }.map {
        (String($0.key.dropFirst(prefix.count)), $0.value)
      })
  }
}
