// all-MiniLM-L6-v2 (Sentence Transformers): a BERT of 6 layers distilled after Wang et al., 2020 (arXiv:2002.10957) and
// trained to embed sentences; https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2.
import Foundation
import MemeData
import Torch
import TorchNN

/// Sentence embeddings: the mean over the tokens' last hidden states, of length 1.
///
/// Reads a hub folder (`config.json`, `vocab.txt`, `model.safetensors`), of any BERT with mean pooling.
public final class MiniLM: TokenEncoder {
  private static let longestText = 128

  public let width: Int
  public let preferredTokenCount = 1024
  private let tokenizer: WordPieceTokenizer
  private let bert: Bert

  /// - Throws: `CheckpointError`, `WordPieceError`, `ParameterMismatch` or ``EncoderError`` naming the file at fault.
  public convenience init(folder: URL, computation: Computation = Computation()) throws {
    let configurationFile = folder.appending(path: "config.json")
    let configuration: BertConfiguration
    do {
      configuration = try JSONDecoder().decode(BertConfiguration.self, from: Data(contentsOf: configurationFile))
    } catch {
      throw EncoderError.invalidConfiguration(configurationFile, reason: "\(error)")
    }
    if let fault = configuration.fault { throw EncoderError.invalidConfiguration(configurationFile, reason: fault) }
    let tokenizer = try WordPieceTokenizer(
      vocabulary: folder.appending(path: "vocab.txt"), maxLength: min(Self.longestText, configuration.positionCount))
    guard tokenizer.vocabularySize <= configuration.vocabularySize else {
      throw EncoderError.invalidConfiguration(
        configurationFile,
        reason: "vocab_size is \(configuration.vocabularySize), vocab.txt has \(tokenizer.vocabularySize) tokens")
    }
    let weights = try Checkpoint(contentsOf: folder.appending(path: "model.safetensors"), isMapped: true)
    try self.init(configuration, weights: weights.tensors, tokenizer: tokenizer, computation: computation)
    weights.releasePages()
  }

  init(
    _ configuration: BertConfiguration, weights: [String: Tensor], tokenizer: WordPieceTokenizer,
    computation: Computation
  ) throws {
    // Known and not needed: the pooler serves another task, the position ids are 0, 1, 2, ….
    let used = weights.filter { !$0.key.hasPrefix("pooler.") && $0.key != "embeddings.position_ids" }
    let store = ParameterStore(loading: used)
    bert = Bert(configuration, computation: computation, in: store.root)
    try store.validate()
    self.tokenizer = tokenizer
    width = configuration.width
  }

  public func tokens(of text: String) -> [Int32] { tokenizer.encode(text) }

  public func encode(_ texts: [[Int32]]) -> Tensor {
    withInferenceMode {
      let packed = PackedTexts(texts, device: bert.computation.device)
      let hidden = bert(packed).to(.float32)
      let means = packed.runs.map { run in
        hidden.sliced(run.start..<run.start + run.count * run.length)
          .reshaped(to: [run.count, run.length, width]).mean(along: 1)
      }
      return packed.inGivenOrder(Tensor.concatenated(means, along: 0).normalized()).to(.cpu)
    }
  }

  /// Padding is masked in a BERT.
  public var paddedLength: Int? { nil }

  /// The last hidden states, of which the features are the mean.
  public func states(_ texts: [[Int32]]) -> Tensor {
    withInferenceMode {
      let packed = PackedTexts(texts, device: bert.computation.device)
      return packed.tokensInGivenOrder(bert(packed).to(.float32)).to(.cpu)
    }
  }
}
