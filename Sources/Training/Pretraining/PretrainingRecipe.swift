import Encoders
import MemeData
import Methods
import Torch

/// Everything a pretraining depends on: one complete file a run.
///
/// Every field stands in the file; decoding is strict.
public struct PretrainingRecipe: Codable, Sendable {
  /// The datasets' folders or files. Labels of the first one are looked at after each epoch where ``task`` names one.
  public var data: [String]
  /// The binary task whose labelled few tell what the features are worth; null for none. Nothing is trained on it.
  public var task: String?
  /// How many of the first dataset's training memes are labelled: a fraction up to 1, or a count above it.
  public var labels: Double
  public var seed: UInt64
  /// The encoder that reads texts where the run is used as an encoder.
  public var textEncoder: String
  public var precision: Precision
  /// As in ``Recipe``.
  public var device: Device
  /// The method with its settings.
  public var method: any PretrainingMethod

  /// The name of ``method``.
  public var methodName: String { type(of: method).name }

  enum CodingKeys: String, CodingKey {
    case data, task, labels, seed, precision, device, method, settings
    case textEncoder = "text_encoder"
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    data = try container.decode([String].self, forKey: .data)
    task = try container.requiredOptional(String.self, .task)
    labels = try container.labels(.labels)
    seed = try container.decode(UInt64.self, forKey: .seed)
    textEncoder = try container.decode(String.self, forKey: .textEncoder)
    precision = try container.decode(Precision.self, forKey: .precision)
    device = try container.decodeIfPresent(Device.self, forKey: .device) ?? .cpu
    let type = try container.entry(.method, of: PretrainingCatalog.all, called: "pretraining") { $0.name }
    method = try container.settings(type, .settings)
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(data, forKey: .data)
    try container.encode(task, forKey: .task)
    try container.encode(labels, forKey: .labels)
    try container.encode(seed, forKey: .seed)
    try container.encode(textEncoder, forKey: .textEncoder)
    try container.encode(precision, forKey: .precision)
    if device != .cpu { try container.encode(device, forKey: .device) }
    try container.encode(methodName, forKey: .method)
    try method.encode(to: container.superEncoder(forKey: .settings))
  }

  /// Reads a recipe strictly: every key must be there and none may be unknown; see ``StrictYAML``.
  ///
  /// - Parameters:
  ///   - source: the file's name for errors.
  ///   - overrides: `key.path=value` pairs that replace fields, as `--set` gives them; values are YAML.
  public init(yaml: String, source: String, overrides: [String] = []) throws {
    self = try StrictYAML(
      what: "a pretraining's recipe", example: "memesense recipe show dino-lite", source: source,
      optionalKeys: [CodingKeys.device.rawValue]
    ).decode(yaml, overrides: overrides)
  }

  /// Whether a file names a method of pretraining.
  public static func isMeant(by yaml: String) -> Bool {
    let name = yaml.firstMatch(of: /(?m)^method: *["']?([a-z-]+)/)?.1
    return name.map { PretrainingCatalog.method(named: String($0)) != nil } ?? false
  }

  /// The complete recipe as YAML.
  public var yaml: String {
    get throws { try StrictYAML.text(of: self) }
  }
}
