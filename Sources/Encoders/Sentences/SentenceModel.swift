import Foundation
import MemeData
import Torch
import TorchNN

/// A BERT or DistilBERT that embeds texts, in the layout of the hub: `config.json`, `vocab.txt` or `sentencepiece.bpe.model`,
/// and what Sentence Transformers adds (`modules.json`, `1_Pooling/config.json`, `sentence_bert_config.json`), as far as it is
/// there.
struct SentenceModel: HubModel {
  /// What cuts texts into tokens.
  private enum Vocabulary: String {
    case wordPiece = "vocab.txt"
    case sentencePiece = "sentencepiece.bpe.model"
  }

  let folder: HubFolder
  let configuration: BertConfiguration
  /// The most tokens of a text.
  private(set) var maxLength: Int
  /// Whether the model's own embeddings have length 1.
  let normalizes: Bool
  /// What the model's own embeddings are made of.
  let pooling: SentencePooling
  private let vocabulary: Vocabulary
  private let weightFiles: [URL]
  private let descriptions: [URL]

  /// What `tokenizer_config.json` says of the tokenizer.
  private let tokenizerDescription: TokenizerDescription

  /// - Parameter fixedLength: The most tokens of a text, whatever the model's own description says.
  init(_ folder: HubFolder, fixedLength: Int? = nil) throws(EncoderError) {
    self.folder = folder
    configuration = try folder.configuration()
    let modules = try Self.modules(of: folder)
    normalizes = modules.contains("Normalize")
    pooling = try Self.pooling(of: folder)
    let lengths: LengthDescription? = try folder.decodedIfThere(LengthDescription.file)
    vocabulary = folder.has(Vocabulary.sentencePiece.rawValue) ? .sentencePiece : .wordPiece
    let described: TokenizerDescription? = try folder.decodedIfThere(TokenizerDescription.file)
    tokenizerDescription = described ?? TokenizerDescription()
    if vocabulary == .wordPiece, let fault = tokenizerDescription.fault(lowercasesBefore: lengths?.lowercases == true) {
      throw .invalidConfiguration(folder.file(TokenizerDescription.file), reason: fault)
    }
    // Sentence Transformers takes what the tokenizer takes where a model does not say.
    let own = fixedLength ?? lengths?.maxLength
    let length = own ?? tokenizerDescription.maxLength ?? configuration.positionCount
    guard length >= 2 else {
      let isOfTokenizer = own == nil && tokenizerDescription.maxLength != nil
      throw .invalidConfiguration(
        folder.file(isOfTokenizer ? TokenizerDescription.file : LengthDescription.file),
        reason: "texts have at most \(length) tokens; expected at least 2")
    }
    maxLength = min(length, configuration.positionCount)
    weightFiles = try folder.weightFiles()
    descriptions = (["config.json", LengthDescription.file, TokenizerDescription.file, vocabulary.rawValue])
      .filter(folder.has).map(folder.file)
  }

  // MARK: What Sentence Transformers describes

  private struct Module: Decodable {
    var type: String
  }

  private struct LengthDescription: Decodable {
    static let file = "sentence_bert_config.json"
    var maxLength: Int?
    var lowercases: Bool?

    enum CodingKeys: String, CodingKey {
      case maxLength = "max_seq_length"
      case lowercases = "do_lower_case"
    }
  }

  private struct TokenizerDescription: Decodable {
    static let file = "tokenizer_config.json"
    var name: String?
    var lowercases: Bool?
    var stripsAccents: Bool?
    var separatesIdeographs: Bool?
    private var largestLength: Double?

    /// The most tokens of a text; a model without limit has a number beyond all texts there. What is below 0 is as little
    /// as 0 is.
    var maxLength: Int? { largestLength.flatMap { $0 < 1e6 ? Int(max($0, 0)) : nil } }

    enum CodingKeys: String, CodingKey {
      case name = "tokenizer_class"
      case lowercases = "do_lower_case"
      case stripsAccents = "strip_accents"
      case separatesIdeographs = "tokenize_chinese_chars"
      case largestLength = "model_max_length"
    }

    /// In what it is not the WordPiece of BERT; `nil` where it is.
    ///
    /// - Parameter lowercasesBefore: whether texts are lowercased before they are cut, whatever the tokenizer does.
    func fault(lowercasesBefore: Bool) -> String? {
      let known = ["BertTokenizer", "DistilBertTokenizer", "PreTrainedTokenizer"].flatMap { [$0, $0 + "Fast"] }
      let lowercases = lowercases ?? true
      if let name, !known.contains(name) { return "tokenizer_class is \(name); expected BertTokenizer" }
      if let stripsAccents, stripsAccents != lowercases {
        return "strip_accents is \(stripsAccents); expected what do_lower_case is, \(lowercases)"
      }
      if separatesIdeographs == false { return "tokenize_chinese_chars is false; expected true" }
      if lowercasesBefore, !lowercases {
        return "do_lower_case is false, and true in \(LengthDescription.file); expected the same in both"
      }
      return nil
    }
  }

  /// A mode by name, or a flag for each as older files have it.
  private struct PoolingDescription: Decodable {
    static let file = "1_Pooling/config.json"
    var modes: Set<String>

    private struct Key: CodingKey {
      var stringValue: String
      var intValue: Int? { nil }
      init?(stringValue: String) { self.stringValue = stringValue }
      init?(intValue: Int) { nil }
    }

    init(from decoder: any Decoder) throws {
      let values = try decoder.container(keyedBy: Key.self)
      modes = []
      for key in values.allKeys {
        if key.stringValue == "pooling_mode" {
          let several = try? values.decode([String].self, forKey: key)
          modes.formUnion(try several ?? [values.decode(String.self, forKey: key)])
        } else if key.stringValue.hasPrefix("pooling_mode_"), try values.decode(Bool.self, forKey: key) {
          modes.insert(String(key.stringValue.dropFirst("pooling_mode_".count)))
        }
      }
    }
  }

  /// The classes that a text goes through, without the packages that they stand in.
  private static func modules(of folder: HubFolder) throws(EncoderError) -> [String] {
    let modules: [Module]? = try folder.decodedIfThere("modules.json")
    let names = (modules ?? []).map { $0.type.split(separator: ".").last.map(String.init) ?? "" }
    if let other = names.first(where: { !["Transformer", "Pooling", "Normalize"].contains($0) }) {
      throw .invalidConfiguration(
        folder.file("modules.json"), reason: "a module \(other); expected Transformer, Pooling and Normalize alone")
    }
    return names
  }

  private static func pooling(of folder: HubFolder) throws(EncoderError) -> SentencePooling {
    let pooling: PoolingDescription? = try folder.decodedIfThere(PoolingDescription.file)
    switch pooling?.modes {
    case nil, ["mean"], ["mean_tokens"]: return .mean
    case ["cls"], ["cls_token"]: return .first
    case .some(let modes):
      throw .invalidConfiguration(
        folder.file(PoolingDescription.file),
        reason: "pooling_mode is \(modes.sorted().joined(separator: ", ")); expected mean or cls alone")
    }
  }

  // MARK: Sources

  func imageSource(
    _ variant: HubEncoderName, _ computation: Computation
  ) throws(EncoderError) -> EncoderPair.Source<any ImageEncoder> {
    throw .readsTextsAlone(name: variant.model)
  }

  func textSource(
    _ variant: HubEncoderName, _ computation: Computation
  ) throws(EncoderError) -> EncoderPair.Source<any TextEncoder> {
    let normalizes =
      switch variant.tap {
      case .projected: self.normalizes
      case .pooled: false
      case .normalized: true
      }
    let pooling = variant.readsFirstToken ? .first : self.pooling
    let model = limited(to: variant.tokenLimit)
    return .init(
      width: configuration.width, files: weightFiles + descriptions,
      preprocessing: "\(vocabulary) \(model.maxLength), \(pooling.rawValue)\(normalizes ? ", normalised" : "")"
    ) { try model.encoder(computation, pooling: pooling, normalizes: normalizes) }
  }

  /// The same with no more than so many tokens of a text; `nil` changes nothing.
  private func limited(to count: Int?) -> SentenceModel {
    var limited = self
    limited.maxLength = min(maxLength, count ?? maxLength)
    return limited
  }

  /// - Throws: `CheckpointError`, the tokenizer's own error, or ``EncoderError``, naming the file at fault.
  func encoder(
    _ computation: Computation, pooling: SentencePooling, normalizes: Bool
  ) throws -> SentenceEncoder {
    let tokenize = try tokenizer()
    let bert = try folder.network(of: weightFiles, computation, selecting: used) {
      Bert(configuration, computation: $0, in: $1)
    }
    return SentenceEncoder(bert, pooling: pooling, normalizes: normalizes, tokenize: tokenize)
  }

  /// Known and not needed: the pooler and heads serve other tasks, the position ids are 0, 1, 2, ….
  private func used(_ weights: [String: Tensor]) -> [String: Tensor] {
    weights.ownOrBelow("\(configuration.family.rawValue).").withLayerNormsOfToday.filter {
      !$0.key.hasPrefix("pooler.") && $0.key != "embeddings.position_ids"
    }
  }

  private func tokenizer() throws -> @Sendable (String) -> [Int32] {
    let file = folder.file(vocabulary.rawValue)
    func check(_ largestID: Int) throws(EncoderError) {
      guard largestID < configuration.vocabularySize else {
        throw .invalidConfiguration(
          file, reason: "an id is \(largestID); expected ids below vocab_size, \(configuration.vocabularySize)")
      }
    }
    switch vocabulary {
    case .wordPiece:
      let tokenizer = try WordPieceTokenizer(
        vocabulary: file, maxLength: maxLength, lowercases: tokenizerDescription.lowercases ?? true)
      try check(tokenizer.vocabularySize - 1)
      return tokenizer.encode
    case .sentencePiece:
      let tokenizer = try XLMRobertaTokenizer(model: file, maxLength: maxLength)
      try check(Int(tokenizer.largestID))
      return tokenizer.encode
    }
  }
}
