import Checkpoints
import Foundation
import MemeData
import Torch
import TorchNN

/// A model of the CLIP family in the layout of the Hugging Face hub: `config.json`, `preprocessor_config.json`,
/// `vocab.json`, `merges.txt`, and the weights as `model.safetensors`, its shards or `pytorch_model.bin`.
struct HubFolder: Sendable {
  let url: URL
  let configuration: CLIPConfiguration
  /// As the folder has it: OpenAI's models crop.
  let preparation: ImagePreparation
  /// The files that hold weights.
  let weightFiles: [URL]

  /// Reads what is small; weights are read when a tower is made.
  init(_ url: URL) throws(EncoderError) {
    self.url = url
    let file = url.appending(path: "config.json")
    let kind: ModelKind = try decoded(file)
    guard kind.name == "clip" else {
      throw .invalidConfiguration(
        file, reason: "model_type is \(kind.name.map { "\"\($0)\"" } ?? "missing"); expected \"clip\"")
    }
    configuration = try decoded(file)
    if let fault = configuration.fault { throw .invalidConfiguration(file, reason: fault) }
    let side = configuration.vision.imageSide
    let preprocessor = url.appending(path: "preprocessor_config.json")
    let isThere = FileManager.default.fileExists(atPath: preprocessor.path)
    preparation =
      isThere
      ? try ImagePreparation(contentsOf: preprocessor, side: side)
      : .clip(side: side, framing: .crop(shortestSide: side))
    weightFiles = try Self.weightFiles(in: url)
  }

  private struct ModelKind: Decodable {
    var name: String?
    enum CodingKeys: String, CodingKey { case name = "model_type" }
  }

  private static func weightFiles(in folder: URL) throws(EncoderError) -> [URL] {
    func file(_ name: String) -> URL? {
      let url = folder.appending(path: name)
      return FileManager.default.fileExists(atPath: url.path) ? url : nil
    }
    if let whole = file(HubFiles.weights) { return [whole] }
    if let index = file(HubFiles.weightIndex) {
      guard let data = try? Data(contentsOf: index), let shards = HubFiles.shards(of: data) else {
        throw .invalidConfiguration(index, reason: "expected an object with the weight_map of a sharded model")
      }
      return shards.map { folder.appending(path: $0) }
    }
    if let pickled = file(HubFiles.pickledWeights) { return [pickled] }
    throw .missingFiles(encoder: folder.lastPathComponent, files: [HubFiles.weights], searched: [folder])
  }

  // MARK: Towers

  /// - Throws: `CheckpointError` or ``EncoderError`` naming the file at fault.
  func imageTower(_ computation: Computation) throws -> any ImageTower {
    try tower(below: ["vision_model.", "visual_projection."], computation) {
      CLIPVision(configuration, computation: $0, in: $1)
    }
  }

  /// - Throws: `CheckpointError` or ``EncoderError`` naming the file at fault.
  func textTower(_ computation: Computation) throws -> any TextTower {
    try tower(below: ["text_model.", "text_projection."], computation) {
      CLIPText(configuration, computation: $0, in: $1)
    }
  }

  /// What turns a text into ids that the text tower takes.
  ///
  /// - Throws: `CLIPTokenizerError` or ``EncoderError`` naming the file at fault.
  func tokenizer() throws -> @Sendable (String) -> [Int32] {
    let text = configuration.text
    let vocabulary = url.appending(path: "vocab.json")
    let tokenizer = try CLIPTokenizer(
      vocabulary: vocabulary, merges: url.appending(path: "merges.txt"), maxLength: text.positionCount)
    guard tokenizer.largestID < text.vocabularySize else {
      throw EncoderError.invalidConfiguration(
        vocabulary, reason: "an id is \(tokenizer.largestID); expected ids below vocab_size, \(text.vocabularySize)")
    }
    guard text.endID == 2 || text.endID == Int(tokenizer.endID) else {
      throw EncoderError.invalidConfiguration(
        vocabulary, reason: "<|endoftext|> is \(tokenizer.endID); expected eos_token_id, \(text.endID)")
    }
    return tokenizer.encode
  }

  private func tower<Tower>(
    below prefixes: [String], _ computation: Computation, _ make: (Computation, Scope) -> Tower
  ) throws -> Tower {
    let files = try weightFiles.map { try Checkpoint(contentsOf: $0, isMapped: true) }
    let weights: [String: Tensor] = files.reduce(into: [:]) { $0.merge($1.tensors) { _, later in later } }
    defer { for file in files { file.releasePages() } }
    // Files of 2022 list the numbers of the positions, which are 0, 1, 2, ….
    let used = weights.filter { key, _ in
      prefixes.contains(where: key.hasPrefix) && !key.hasSuffix(".embeddings.position_ids")
    }
    do {
      return try loaded(used, computation, make)
    } catch {
      throw EncoderError.invalidWeights(weightFiles[0], reason: error.description)
    }
  }
}

/// The contents of a JSON file.
///
/// - Throws: ``EncoderError/invalidConfiguration(_:reason:)``
func decoded<Value: Decodable>(_ file: URL) throws(EncoderError) -> Value {
  do {
    return try JSONDecoder().decode(Value.self, from: Data(contentsOf: file))
  } catch let error as DecodingError {
    throw .invalidConfiguration(file, reason: error.summary)
  } catch {
    throw .invalidConfiguration(file, reason: error.localizedDescription)
  }
}

extension DecodingError {
  /// What is wrong where, in one line.
  fileprivate var summary: String {
    func path(_ context: Context) -> String {
      let keys = context.codingPath.map(\.stringValue).joined(separator: ".")
      return keys.isEmpty ? "" : "\(keys): "
    }
    switch self {
    case .keyNotFound(let key, let context): return "\(path(context))\(key.stringValue) is missing"
    case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
      return path(context) + context.debugDescription
    @unknown default: return "\(self)"
    }
  }
}
