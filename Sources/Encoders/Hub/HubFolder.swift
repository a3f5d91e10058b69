import Checkpoints
import Foundation
import Torch
import TorchNN

/// The description of a network in a folder of the hub.
protocol HubConfiguration: Decodable {
  /// What is wrong with it; `nil` where a network can be made of it.
  var fault: String? { get }
}

/// A model in the layout of the Hugging Face hub: descriptions in JSON, and the weights as `model.safetensors`, its shards
/// or `pytorch_model.bin`.
struct HubFolder: Sendable {
  let url: URL

  func file(_ name: String) -> URL { url.appending(path: name) }

  func has(_ name: String) -> Bool { FileManager.default.fileExists(atPath: file(name).path) }

  /// The network that the folder describes, of whatever family.
  ///
  /// - Throws: ``EncoderError`` naming the file at fault.
  func model() throws(EncoderError) -> any HubModel {
    guard let family = try HubFamily(of: self) else {
      let name = try modelType().map { "\"\($0)\"" } ?? "missing"
      throw .invalidConfiguration(
        file("config.json"),
        reason: "model_type is \(name); expected one of \(HubFamily.modelTypes), or timm's architecture")
    }
    return try family.model(in: self)
  }

  /// As `config.json` has it; `nil` where it says nothing or is not there.
  func modelType() throws(EncoderError) -> String? {
    let kind: ModelKind? = try decodedIfThere("config.json")
    return kind?.name
  }

  /// Whether open_clip describes the network; a `config.json` beside it may be timm's, which has no type.
  func isOpenCLIP() throws(EncoderError) -> Bool {
    guard has(OpenCLIPModel.configurationName) else { return false }
    return try modelType() == nil
  }

  private struct ModelKind: Decodable {
    var name: String?
    enum CodingKeys: String, CodingKey { case name = "model_type" }
  }

  /// The description of a network, checked.
  ///
  /// - Throws: ``EncoderError/invalidConfiguration(_:reason:)``
  func configuration<Value: HubConfiguration>(_ name: String = "config.json") throws(EncoderError) -> Value {
    let value: Value = try decoded(file(name))
    if let fault = value.fault { throw .invalidConfiguration(file(name), reason: fault) }
    return value
  }

  /// The contents of a JSON file that need not be there.
  ///
  /// - Throws: ``EncoderError/invalidConfiguration(_:reason:)``
  func decodedIfThere<Value: Decodable>(_ name: String) throws(EncoderError) -> Value? {
    has(name) ? try decoded(file(name)) : nil
  }

  // MARK: Weights

  /// The files that hold weights, which are all there or named by an index that is.
  func weightFiles() throws(EncoderError) -> [URL] {
    if has(HubFiles.weights) { return [file(HubFiles.weights)] }
    if has(HubFiles.weightIndex) {
      let index = file(HubFiles.weightIndex)
      guard let data = try? Data(contentsOf: index), let shards = HubFiles.shards(of: data) else {
        throw .invalidConfiguration(index, reason: "expected an object with the weight_map of a sharded model")
      }
      return shards.map(file)
    }
    if has(HubFiles.pickledWeights) { return [file(HubFiles.pickledWeights)] }
    throw .missingFiles(encoder: url.lastPathComponent, files: [HubFiles.weights], searched: [url])
  }

  /// Makes a network of the weights in files, of those that `select` leaves.
  ///
  /// - Parameter dtype: What all weights become, for layers that compute in the type of theirs; `nil` for a network that
  ///   converts them itself.
  /// - Throws: `CheckpointError` or ``EncoderError`` naming the file at fault.
  func network<Network>(
    of files: [URL], _ computation: Computation, as dtype: DType? = nil,
    selecting select: ([String: Tensor]) -> [String: Tensor],
    _ make: (Computation, Scope) -> Network
  ) throws -> Network {
    let checkpoints = try files.map { try Checkpoint(contentsOf: $0, isMapped: true) }
    let weights = checkpoints.weights
    defer { for checkpoint in checkpoints { checkpoint.releasePages() } }
    do {
      return try loaded(select(weights), computation, as: dtype, make)
    } catch {
      throw EncoderError.invalidWeights(files[0], reason: error.description)
    }
  }
}

extension [Checkpoint] {
  /// The tensors of all shards.
  fileprivate var weights: [String: Tensor] { reduce(into: [:]) { $0.merge($1.tensors) { _, later in later } } }
}

extension EncoderCatalog {
  /// The file that a name stands for by its looks, as `resnet18-f37072fd.pth` does; `nil` for that of a model.
  public static func weightFile(named name: String) -> URL? {
    let file = URL(fileURLWithPath: name).standardizedFileURL
    return ["safetensors", "pth", "pt", "bin"].contains(file.pathExtension) ? file : nil
  }

  /// The weights of a model in the hub's cache, whatever network they are of, those of the text network of an entry of the
  /// catalog, or those in a file. They stay in the mapped files.
  ///
  /// - Throws: `CheckpointError` or ``EncoderError`` that says what is missing.
  public static func weights(of model: String) throws -> [String: Tensor] {
    let files: [URL]
    if let file = weightFile(named: model) {
      files = [file]
    } else if model.contains("/") {
      files = try HubFolder(url: HubCache().requiredFolder(of: model)).weightFiles()
    } else {
      let entry = try entry(named: model)
      files = [try folder(of: entry).appending(path: entry.textWeights)]
    }
    return try files.map { try Checkpoint(contentsOf: $0, isMapped: true) }.weights
  }
}

extension HubFolder {
  /// Leaves the weights whose names begin in one of these ways.
  static func below(_ prefixes: String...) -> ([String: Tensor]) -> [String: Tensor] {
    // Files of 2022 list the numbers of the positions, which are 0, 1, 2, ….
    { weights in
      weights.filter { key, _ in
        prefixes.contains(where: key.hasPrefix) && !key.hasSuffix(".embeddings.position_ids")
      }
    }
  }
}

/// Makes a network of the weights of a file, which must be those and no others.
///
/// It is made without values first: sizes that a damaged configuration names and the weights do not have are refused
/// before memory is taken for them.
private func loaded<Network>(
  _ weights: [String: Tensor], _ computation: Computation, as dtype: DType?, _ make: (Computation, Scope) -> Network
) throws(ParameterMismatch) -> Network {
  let rehearsal = ParameterStore(loading: weights, device: .meta)
  _ = make(Computation(device: .meta, precision: .float32), rehearsal.root)
  try rehearsal.validate()
  return make(computation, ParameterStore(loading: weights, dtype: dtype, device: computation.device).root)
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
