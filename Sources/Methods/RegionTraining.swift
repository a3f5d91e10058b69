import Encoders
import Foundation
import Torch
import TorchNN

/// Where a method takes regions from, as recipes say it: `grid`, or a detector's file.
public struct RegionSetting: Codable, Sendable, Equatable {
  public var source: RegionSource

  public init(_ source: RegionSource = .grid) { self.source = source }

  public init(from decoder: any Decoder) throws {
    let text = try decoder.singleValueContainer().decode(String.self)
    source = text == "grid" ? .grid : .file(URL(filePath: text))
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch source {
    case .grid: try container.encode("grid")
    case .file(let file): try container.encode(file.path)
    }
  }
}

/// The head that SemiMemes puts on VisualBERT and LXMERT: two layers with dropout and nothing else between.
public struct LinearHead {
  /// Width and rate of a head.
  public struct Configuration: Codable, Sendable, Equatable {
    public var hidden = 128
    public var dropoutRate = 0.3

    public init() {}

    enum CodingKeys: String, CodingKey {
      case hidden
      case dropoutRate = "dropout_rate"
    }
  }

  private let hidden: Linear
  private let output: Linear
  private let dropout: Dropout

  init(_ configuration: Configuration, inputs: Int, outputs: Int, in scope: Scope) {
    hidden = Linear(inputs: inputs, outputs: configuration.hidden, in: scope["hidden"])
    output = Linear(inputs: configuration.hidden, outputs: outputs, in: scope["output"])
    dropout = Dropout(rate: configuration.dropoutRate)
  }

  /// Logits [N, C], float32; `generator` is given while training.
  func callAsFunction(_ x: Tensor, using generator: Generator?) -> Tensor {
    output(dropout(hidden(x), using: generator)).to(.float32)
  }
}

/// A network on the tokens of a text and the regions of a picture with a head.
public struct RegionModel: Classifier {
  /// The pooled vectors of a batch; the generator is given while training.
  typealias Network = (
    _ tokens: TokenBatch, _ features: Tensor, _ boxes: Tensor, _ hasRegions: Tensor, _ generator: Generator?
  ) -> Tensor

  let network: Network
  let head: LinearHead
  let textLength: Int
  let vocabularySize: Int
  let isExclusive: Bool
  let parameters: [Tensor]

  /// Logits [N, C] of the given memes; `generator` is given while training.
  func logits(_ features: FeatureTable, _ rows: [Int], using generator: Generator?) -> Tensor {
    let tokens = TokenBatch(
      rows.map { features.requestedIDs[$0] }, limit: textLength, vocabularySize: vocabularySize)
    let regions = features.requestedRegions.gathered(rows)
    return head(network(tokens, regions.features, regions.boxes, regions.isPresent, generator), using: generator)
  }

  public func probabilities(of features: FeatureTable) -> Tensor {
    withoutGrad {
      features.inParts { rows in
        HeadLoss.crossEntropy.probabilities(logits(features, rows, using: nil), isExclusive: isExclusive)
      }
    }
  }

  /// Trains all of it on the labelled memes.
  func fit(to problem: Problem, weights: ClassWeights, settings: StageSettings, trainer: any StageTrainer) throws {
    let loss = weights.loss(for: Targets(problem.labels, task: problem.task))
    try trainer.trainHead(of: self, parameters, on: problem, settings: settings) { rows, generator in
      let memes = rows.doubles.map { problem.labelled[Int($0)] }
      return loss(logits(problem.features, memes, using: generator), rows)
    }
  }
}

extension Problem {
  /// Why a method with BERT's words cannot read the texts; `nil` where it can.
  func refusalOfTokens(beyond vocabularySize: Int) -> String? {
    let largest = features.requestedIDs.lazy.compactMap { $0.max() }.max() ?? 0
    guard largest >= vocabularySize else { return nil }
    return "the encoder's tokenizer has ids up to \(largest), and the network knows BERT's \(vocabularySize) uncased "
      + "words: take an encoder with that tokenizer (--encoder lite)"
  }
}
