// Sentence Transformers (Reimers and Gurevych, 2019, arXiv:1908.10084): a BERT whose token states are averaged, such as
// all-MiniLM-L6-v2 and paraphrase-multilingual-MiniLM-L12-v2, distilled after Wang et al., 2020 (arXiv:2002.10957).
import Torch
import TorchNN

/// What a text's embedding is made of.
enum SentencePooling: String, Sendable {
  /// The mean over the tokens' last states.
  case mean
  /// The last state of the first token, `[CLS]`.
  case first
}

/// Sentence embeddings of the tokens' last hidden states.
public final class SentenceEncoder: TokenEncoder {
  public let width: Int
  public let preferredTokenCount = 1024
  private let bert: Bert
  private let pooling: SentencePooling
  private let normalizes: Bool
  private let tokenize: @Sendable (String) -> [Int32]

  /// - Parameters:
  ///   - normalizes: Whether embeddings are scaled to length 1.
  ///   - tokenize: The ids of a text, below the network's vocabulary size and no more than it has places for.
  init(
    _ bert: Bert, pooling: SentencePooling = .mean, normalizes: Bool, tokenize: @escaping @Sendable (String) -> [Int32]
  ) {
    self.bert = bert
    self.pooling = pooling
    self.normalizes = normalizes
    self.tokenize = tokenize
    width = bert.configuration.width
  }

  public func tokens(of text: String) -> [Int32] { tokenize(text) }

  public func encode(_ texts: [[Int32]]) -> Tensor {
    withInferenceMode {
      let packed = PackedTexts(texts, device: bert.computation.device)
      let hidden = bert(packed).to(.float32)
      let pooled = packed.runs.map { run in
        let states = hidden.sliced(run.start..<run.start + run.count * run.length)
          .reshaped(to: [run.count, run.length, width])
        return pooling == .mean ? states.mean(along: 1) : states.selected(0, along: 1)
      }
      let joined = Tensor.concatenated(pooled, along: 0)
      return packed.inGivenOrder(normalizes ? joined.normalized() : joined).to(.cpu)
    }
  }

  /// Padding is masked in a BERT.
  public var paddedLength: Int? { nil }

  /// The last hidden states, which the features are made of.
  public func states(_ texts: [[Int32]]) -> Tensor {
    withInferenceMode {
      let packed = PackedTexts(texts, device: bert.computation.device)
      return packed.tokensInGivenOrder(bert(packed).to(.float32)).to(.cpu)
    }
  }
}
