// CMML with networks of its own: ResNet-18 on pictures and two layers on the words of texts, both trained.
//
// Paper: Yang, Wang, Zhan, Xiong, Jiang, "Comprehensive Semi-Supervised Multi-Modal Learning", IJCAI 2019.
// Specification: reference file 02, the "origin" variant as FPTU-Thesis-CSAI/SemiMemes has it.

import Encoders
import MemeData
import Networks
import Torch
import TorchNN

/// CMML on pictures and words themselves.
///
/// Batch statistics are the batch's in every epoch of the training. The original goes over to the running ones after the
/// first by mistake (reference 02 §7.2).
public struct CMMLOrigin: Method {
  public static let name = "cmml"
  public static let summary = "ResNet-18 and a bag of words, both trained, whose predictors agree on unlabelled memes"

  /// Rows and columns of pictures.
  public var pictureSide = 256
  /// Words that are counted at most.
  public var vocabularySize = 3000
  /// Width of the layer on words.
  public var textHidden = 384
  /// A model of the hub with ResNet-18's weights (`timm/resnet18.tv_in1k`) or a file of them to start from, or `random`.
  public var weights = InitialWeights.random
  /// SemiMemes' script defines changes and trains without them (reference 02 §3).
  public var augmentation = PictureAugmentation.none
  public var hidden = 256
  public var fusedWeight = 2.0
  public var diversityWeight = 0.0
  public var consistencyWeight = 1.0
  public var consistencyThreshold = 1.003
  /// Batches between two decays of the learning rate.
  public var decayInterval = 500
  public var training: HeadTraining = {
    var training = HeadTraining()
    training.weightDecay = 1e-4
    training.learningRateDecay = [.init(labels: 0.3, factor: 0.85)]
    return training
  }()

  public init() {}

  enum CodingKeys: String, CodingKey {
    case weights, augmentation, hidden, training
    case pictureSide = "picture_side"
    case vocabularySize = "vocabulary_size"
    case textHidden = "text_hidden"
    case fusedWeight = "fused_weight"
    case diversityWeight = "diversity_weight"
    case consistencyWeight = "consistency_weight"
    case consistencyThreshold = "consistency_threshold"
    case decayInterval = "decay_interval"
  }

  /// The trained networks; probabilities are the fused predictor's.
  public struct Model: Classifier {
    let images: ResNet
    let words: Linear
    let core: CMMLNetwork
    let bag: BagOfWords
    let input: PictureInput
    let isExclusive: Bool

    /// Logits of the given memes; `generator`, and views of pictures where there are some, are given while training.
    func logits(
      _ features: FeatureTable, _ rows: [Int], views: Tensor? = nil, using generator: Generator?
    ) -> CMMLNetwork.Logits {
      let image = images(input(features.requestedPictures, rows, views: views), using: generator)
      let text = words(counted(rows.map { features.requestedTexts[$0] })).relu()
      return core(image: image, text: text)
    }

    /// 1 for the words that a text has [N, V].
    private func counted(_ texts: [String?]) -> Tensor {
      let width = bag.vocabulary.count
      var flags = [Float](repeating: 0, count: texts.count * width)
      for (row, text) in texts.enumerated() {
        for column in text.map(bag.columns(of:)) ?? [] { flags[row * width + column] = 1 }
      }
      return Tensor(flags, shape: [texts.count, width], device: words.weight.device)
    }

    public func probabilities(of features: FeatureTable) -> Tensor {
      features.probabilities(isExclusive: isExclusive) { logits(features, $0, using: nil).fused }
    }
  }

  public var request: FeatureRequest {
    FeatureRequest(readsFeatures: false, readsTexts: true, pictureSide: pictureSide)
  }

  /// The problem's own with the words of its texts, labelled or not.
  public func shape(of problem: Problem) -> ProblemShape {
    var shape = problem.shape
    shape.vocabulary =
      BagOfWords(fitting: problem.features.requestedTexts.compactMap { $0 }, limit: vocabularySize).vocabulary
    return shape
  }

  public var initialWeights: [InitialWeights] { [weights] }

  public func initialValues() throws -> [String: Tensor] {
    guard let model = weights.model else { return [:] }
    return try PretrainedWeights.resNet18(of: model).withPrefix("images.")
  }

  public func model(for shape: ProblemShape, in scope: Scope) -> Model {
    let vocabulary = shape.vocabulary ?? []
    let images = ResNet(.resnet18, in: scope["images"])
    return Model(
      images: images, words: Linear(inputs: vocabulary.count, outputs: textHidden, in: scope["words"]),
      core: CMMLNetwork(
        imageWidth: images.width, textWidth: textHidden, hidden: hidden, outputs: shape.outputCount,
        in: scope["network"]),
      bag: BagOfWords(vocabulary: vocabulary), input: .clip(on: scope.device),
      isExclusive: shape.task.kind == .multiclass)
  }

  public var fault: String? {
    var check = SettingsCheck()
    check.require(pictureSide, in: 32...1024, "picture_side")
    check.require(vocabularySize, in: 1...1_000_000, "vocabulary_size")
    check.require(textHidden, in: 1...65_536, "text_hidden")
    return check.fault ?? agreement.fault
  }

  public func refusal(of problem: Problem) -> String? {
    if let reason = agreement.refusal(of: problem) { return reason }
    let hasWord = problem.features.requestedTexts.contains { text in text.map(BagOfWords.hasWord) == true }
    return hasWord ? nil : "it counts words, and no training meme has one"
  }

  /// What is common with the variant on frozen features.
  private var agreement: CMML {
    var method = CMML()
    method.hidden = hidden
    method.fusedWeight = fusedWeight
    method.diversityWeight = diversityWeight
    method.consistencyWeight = consistencyWeight
    method.consistencyThreshold = consistencyThreshold
    method.decayInterval = decayInterval
    method.training = training
    return method
  }

  public func fit(_ model: Model, to problem: Problem, trainer: any StageTrainer) throws {
    let memes = problem.labelled + problem.unlabelledPairs
    let words = [model.words.weight, model.words.bias!]
    let views = augmentation.views(of: problem, stage: "network")
    try agreement.train(
      model, model.images.parameters + words + model.core.parameters, buffers: model.images.buffers, on: problem,
      trainer: trainer,
      preparation: views.map { views in { rows, epoch in [views(rows.map { memes[$0] }, epoch: epoch)] } }
    ) { batch in
      let chosen: [Int] = batch.rows.values()
      return model.logits(
        problem.features, chosen.map { memes[$0] }, views: batch.inputs.first, using: batch.generator)
    }
  }
}
