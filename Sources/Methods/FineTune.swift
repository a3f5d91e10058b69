// Fine-tuning of a network for pictures, alone or with what reads the text: what pretraining is compared by, and the
// supervised baselines where it begins at ImageNet's weights.
//
// Specification: reference files 07 §C and 10 (seed 004). Departures: one softmax instead of two; all labelled memes with
// weights for classes instead of as many of each class; words' vectors are trained with the classifier instead of by
// fastText before it; of a run of CASS-MM the layer of 512 behind the picture network begins anew.
//
// Shapes: N memes, W features of the picture network, V words.

import Encoders
import MemeData
import Networks
import Torch
import TorchNN

/// A backbone and a head, trained whole on labelled memes.
public struct FineTune: Method {
  /// What is read beside the picture.
  public enum Text: String, Codable, Sendable, CaseIterable {
    case none
    /// The mean of the words' vectors, with a layer for each modality and one on both (reference 07 §C1).
    case words
    /// The first token's state of a network that is trained too; pictures have two layers, and there are no rectifiers before
    /// the layer on both (reference 07 §C2).
    case network
  }

  /// Widths of the layers behind the networks, and their dropout.
  public struct Head: Codable, Sendable, Equatable {
    /// Of a word's vector.
    public var wordWidth = 150
    /// Of what each modality becomes before both stand side by side.
    public var pathWidth = 300
    /// Of the layer on both, and where a network reads the text of the first layer behind the picture network: 256 in §C1, 512
    /// in §C2.
    public var fusedWidth = 256
    public var dropoutRate = 0.1

    public init() {}

    enum CodingKeys: String, CodingKey {
      case wordWidth = "word_width"
      case pathWidth = "path_width"
      case fusedWidth = "fused_width"
      case dropoutRate = "dropout_rate"
    }
  }

  public static let name = "finetune"
  public static let summary =
    "a picture network of pretraining or ImageNet and a head, trained whole, with text or without"

  public var backbone = BackboneSettings("resnet50")
  /// Rows and columns of pictures.
  public var pictureSide = 224
  public var reads = Text.words
  /// Words that are known at most.
  public var vocabularySize = 10_000
  public var textNetwork = TextNetworkSettings()
  public var head = Head()
  public var augmentation = PictureAugmentation.none
  public var classWeights = ClassWeights.balanced
  public var fineTuning = FineTuning()
  public var training: AdamWTraining = {
    var training = AdamWTraining()
    (training.epochs, training.batchSize, training.learningRate) = (50, 64, 5e-5)
    (training.weightDecay, training.gradientClip) = (0.01, 1)
    return training
  }()

  public init() {}

  enum CodingKeys: String, CodingKey {
    case backbone, reads, head, augmentation, training
    case pictureSide = "picture_side"
    case vocabularySize = "vocabulary_size"
    case textNetwork = "text_network"
    case classWeights = "class_weights"
    case fineTuning = "fine_tuning"
  }

  /// The trained network.
  public struct Model: Classifier {
    let images: any PictureNetwork
    let texts: TextPath?
    let head: FineTuneHead
    let input: PictureInput
    let isExclusive: Bool
    let parameters: LayeredParameters

    /// Logits [N, C] of the given memes; `generator`, and views of pictures where there are some, are given while
    /// training.
    func logits(
      _ features: FeatureTable, _ rows: [Int], views: Tensor? = nil, using generator: Generator?
    ) -> Tensor {
      let image = images(input(features.requestedPictures, rows, views: views), using: generator)
      return head(image, texts?.vectors(features, rows, using: generator), using: generator)
    }

    public func probabilities(of features: FeatureTable) -> Tensor {
      features.probabilities(isExclusive: isExclusive) { logits(features, $0, using: nil) }
    }
  }

  /// Starts from the networks of a pretraining: the backbone, the size of its pictures, and what reads texts where there is
  /// something.
  public mutating func start(from network: PretrainedDescription.Network, of run: InitialWeights) {
    backbone.name = network.backbone
    backbone.weights = run
    pictureSide = network.side
    guard let text = network.text else { return }
    textNetwork.architecture = text
    textNetwork.weights = run
  }

  /// Starts from a run: from its network of a backbone, or from the first one.
  ///
  /// - Throws: ``EncoderError`` where it has none of that backbone, or cannot be read.
  public mutating func start(from run: PretrainedRunName, backbone: Backbone? = nil) throws {
    let networks = try run.networks
    var network = networks[0]
    if let backbone {
      guard let found = networks.first(where: { $0.backbone == backbone }) else {
        throw EncoderError.otherBackbone(
          run: run.folder, known: networks.map(\.backbone.name), wanted: backbone.name)
      }
      network = found
    }
    start(from: network, of: InitialWeights(model: run.absolute))
  }

  public var request: FeatureRequest {
    FeatureRequest(
      readsFeatures: false, readsTexts: reads == .words, readsTokens: reads == .network, pictureSide: pictureSide)
  }

  /// The problem's own with the words of its texts, labelled or not, where they are read.
  public func shape(of problem: Problem) -> ProblemShape {
    var shape = problem.shape
    if reads == .words {
      shape.vocabulary =
        BagOfWords(fitting: problem.features.requestedTexts.compactMap { $0 }, limit: vocabularySize).vocabulary
    }
    return shape
  }

  public var initialWeights: [InitialWeights] {
    [backbone.weights] + (reads == .network ? [textNetwork.weights] : [])
  }

  public func initialValues() throws -> [String: Tensor] {
    let images = try backbone.initialValues(side: pictureSide).withPrefix("images.")
    guard reads == .network else { return images }
    let texts = try textNetwork.initialValues(beside: backbone.name).withPrefix("texts.")
    return images.merging(texts) { first, _ in first }
  }

  public func model(for shape: ProblemShape, in scope: Scope) -> Model {
    let images = backbone.name.network(
      side: pictureSide, frozenLayers: fineTuning.frozenLayers, in: scope["images"])
    let texts: TextPath? =
      switch reads {
      case .none: nil
      case .words:
        .words(
          BagOfWords(vocabulary: shape.vocabulary ?? []),
          Linear(
            inputs: shape.vocabulary?.count ?? 0, outputs: head.wordWidth, usesBias: false, in: scope["head"]["words"]))
      case .network: .network(textNetwork, textNetwork.architecture.network(in: scope["texts"]))
      }
    return Model(
      images: images, texts: texts,
      head: FineTuneHead(
        imageWidth: images.width, textWidth: texts?.width, head, reads: reads, outputs: shape.outputCount,
        in: scope["head"]),
      input: .imageNet(on: scope.device),
      isExclusive: shape.task.kind == .multiclass,
      parameters: LayeredParameters(
        network: scope["images"], of: backbone.name, beside: scope["texts"], head: scope["head"]))
  }

  public var fault: String? {
    var check = SettingsCheck()
    backbone.check(&check, sides: [("picture_side", pictureSide)])
    check.require(vocabularySize, in: 1...1_000_000, "vocabulary_size")
    if reads == .network { textNetwork.check(&check, "text_network") }
    check.require(head.wordWidth, in: 1...65_536, "head.word_width")
    check.require(head.pathWidth, in: 1...65_536, "head.path_width")
    check.require(head.fusedWidth, in: 1...65_536, "head.fused_width")
    check.require(head.dropoutRate, in: 0...0.99, "head.dropout_rate")
    check.require(training, "training")
    check.require(fineTuning)
    check.require(
      fineTuning.microBatch == 0 || backbone.name.patch != nil,
      "fine_tuning.micro_batch is \(fineTuning.microBatch); it must be 0 for \(backbone.name), whose statistics are those of "
        + "a whole batch")
    check.require(
      !fineTuning.recomputesLayers, "fine_tuning.recomputes_layers must be false: these networks have no such layers")
    return check.fault
  }

  public func refusal(of problem: Problem) -> String? {
    switch reads {
    case .none: return nil
    case .words:
      let hasWord = problem.features.requestedTexts.contains { text in text.map(BagOfWords.hasWord) == true }
      return hasWord ? nil : "it reads words, and no training meme has one; --set settings.reads=none leaves them out"
    case .network: return problem.refusalOfTokens(for: textNetwork.weights)
    }
  }

  public func fit(_ model: Model, to problem: Problem, trainer: any StageTrainer) throws {
    try trainer.trainWhole(
      model, model.parameters, buffers: model.images.buffers, on: problem, weights: classWeights,
      settings: training.stageSettings, tuning: fineTuning, views: augmentation.views(of: problem, stage: "head")
    ) { model.logits(problem.features, $0, views: $1, using: $2) }
  }
}

/// What makes a vector of a text.
enum TextPath {
  case words(BagOfWords, Linear)
  case network(TextNetworkSettings, any TextNetwork)

  var width: Int {
    switch self {
    case .words(_, let vectors): vectors.weight.shape[0]
    case .network(_, let network): network.width
    }
  }

  /// Vectors [N, X] of the given memes' texts; zero where there is none.
  func vectors(_ features: FeatureTable, _ rows: [Int], using generator: Generator?) -> Tensor {
    switch self {
    case .words(let bag, let vectors):
      let width = bag.vocabulary.count
      var shares = [Float](repeating: 0, count: rows.count * width)
      for (index, row) in rows.enumerated() {
        let columns = features.requestedTexts[row].map(bag.columns(of:)) ?? []
        for column in columns { shares[index * width + column] = 1 / Float(columns.count) }
      }
      return vectors(Tensor(shares, shape: [rows.count, width], device: vectors.weight.device))
    case .network(let settings, let network):
      let states = settings.firstStates(network, features, rows, using: generator)
      return states * features.textPresence(rows, on: states.device)
    }
  }
}

/// The layers behind a picture network, and behind what reads the text where something does.
struct FineTuneHead {
  private struct Fusion {
    /// Before ``image``; `nil` where words are read.
    let picture: Linear?
    let image: Linear
    let text: Linear
    let fused: Linear
    let dropout: Dropout

    /// What either modality becomes [N, P], the text's first.
    func paths(_ image: Tensor, _ text: Tensor) -> [Tensor] {
      guard let picture else { return [self.text(text).relu(), self.image(image).relu()] }
      return [self.text(text), self.image(picture(image))]
    }
  }

  private let fusion: Fusion?
  private let output: Linear

  /// - Parameter textWidth: Of what reads the text; `nil` where nothing does.
  init(
    imageWidth: Int, textWidth: Int?, _ configuration: FineTune.Head, reads: FineTune.Text, outputs: Int,
    in scope: Scope
  ) {
    let (path, fused) = (configuration.pathWidth, configuration.fusedWidth)
    fusion = textWidth.map { textWidth in
      let picture = reads == .network ? Linear(inputs: imageWidth, outputs: fused, in: scope["picture"]) : nil
      return Fusion(
        picture: picture,
        image: Linear(inputs: picture == nil ? imageWidth : fused, outputs: path, in: scope["image"]),
        text: Linear(inputs: textWidth, outputs: path, in: scope["text"]),
        fused: Linear(inputs: 2 * path, outputs: fused, in: scope["fused"]),
        dropout: Dropout(rate: configuration.dropoutRate))
    }
    output = Linear(inputs: fusion == nil ? imageWidth : fused, outputs: outputs, in: scope["output"])
  }

  /// Logits [N, C] of vectors [N, W] of pictures and [N, X] of texts.
  func callAsFunction(_ image: Tensor, _ text: Tensor?, using generator: Generator?) -> Tensor {
    guard let fusion, let text else { return output(image).to(.float32) }
    let both = Tensor.concatenated(fusion.paths(image, text), along: 1)
    return output(fusion.dropout(fusion.fused(both).relu(), using: generator)).to(.float32)
  }
}
