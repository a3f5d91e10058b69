import Foundation
import MemeData
import Methods
import Metrics
import Torch

/// Everything a run depends on: one complete file a run.
///
/// Every field stands in the file, `data` and `task` possibly as null until the command line names them. Decoding is
/// strict: see ``Recipe/init(yaml:source:overrides:)``.
public struct Recipe: Codable, Sendable {
  /// The dataset's folder or file.
  public var data: String?
  /// A ``SplitFile`` that says which memes take part. It, ``readTexts``, ``device`` and ``calibration`` may be left out, unlike the
  /// other fields.
  public var splitFile: String?
  /// The language in which texts that memes lack are read off their pictures, as Tesseract names it (`eng`); they stay
  /// missing where it is left out.
  public var readTexts: String?
  /// The task to learn; null where the dataset has only one.
  public var task: String?
  /// How many of the training memes are labelled: a fraction up to 1, or a count above it.
  public var labels: Double
  /// How the labelled ones are drawn.
  public var sampling: Sampling
  public var seed: UInt64
  public var encoder: String
  public var textCleaning: TextCleaning
  public var precision: Precision
  /// Where encoders and networks compute; it may be left out for the processor.
  public var device: Device
  /// Which epoch is kept; null for the last.
  public var selection: EpochSelection?
  /// How temperatures and thresholds are chosen on the validation split, for prediction; `nil` leaves probabilities as
  /// the model gives them. It may be left out, as recipes did before there was one.
  public var calibration: TaskCalibration.Settings?
  /// The method with its settings.
  public var method: any Method

  /// How labelled memes are drawn from the training split.
  public enum Sampling: String, Codable, Sendable, CaseIterable {
    /// The first of a seeded permutation, as published (reference 16 §1): smaller draws are part of larger ones.
    case uniform
    /// The same from each class in proportion.
    case stratified
  }

  /// No dataset has more memes than this.
  public static let labelLimit = 1e9
  /// The seeds that label draws take: those of NumPy's legacy generator (reference 16 §1).
  public static let seeds = 0...UInt64(UInt32.max)

  /// The name of ``method``.
  public var methodName: String { type(of: method).name }

  /// Keys that a file may leave out.
  static let optionalKeys = Set([CodingKeys.splitFile, .readTexts, .calibration, .device].map(\.rawValue))

  enum CodingKeys: String, CodingKey {
    case data, task, labels, sampling, seed, encoder
    case splitFile = "split_file"
    case readTexts = "read_texts"
    case textCleaning = "text_cleaning"
    case precision, device, selection, calibration, method, settings
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    data = try container.requiredOptional(String.self, .data)
    splitFile = try container.decodeIfPresent(String.self, forKey: .splitFile)
    readTexts = try container.decodeIfPresent(String.self, forKey: .readTexts)
    guard readTexts?.isEmpty != true else {
      throw container.fault(.readTexts, "it is empty; expected a language such as eng, or null for none")
    }
    task = try container.requiredOptional(String.self, .task)
    labels = try container.labels(.labels)
    sampling = try container.decode(Sampling.self, forKey: .sampling)
    seed = try container.decode(UInt64.self, forKey: .seed)
    encoder = try container.decode(String.self, forKey: .encoder)
    textCleaning = try container.decode(TextCleaning.self, forKey: .textCleaning)
    precision = try container.decode(Precision.self, forKey: .precision)
    device = try container.decodeIfPresent(Device.self, forKey: .device) ?? .cpu
    selection = try container.requiredOptional(EpochSelection.self, .selection)
    calibration = try container.decodeIfPresent(TaskCalibration.Settings.self, forKey: .calibration)
    let type = try container.entry(.method, of: MethodCatalog.all, called: "method") { $0.name }
    guard selection == nil || type.isTrainedByEpochs else {
      throw container.fault(
        .selection, "\(type.name) is not trained by epochs, so none can be chosen; it must be null")
    }
    method = try container.settings(type, .settings)
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(data, forKey: .data)
    try container.encodeIfPresent(splitFile, forKey: .splitFile)
    try container.encodeIfPresent(readTexts, forKey: .readTexts)
    try container.encode(task, forKey: .task)
    try container.encode(labels, forKey: .labels)
    try container.encode(sampling, forKey: .sampling)
    try container.encode(seed, forKey: .seed)
    try container.encode(self.encoder, forKey: .encoder)
    try container.encode(textCleaning, forKey: .textCleaning)
    try container.encode(precision, forKey: .precision)
    if device != .cpu { try container.encode(device, forKey: .device) }
    try container.encode(selection, forKey: .selection)
    try container.encodeIfPresent(calibration, forKey: .calibration)
    try container.encode(methodName, forKey: .method)
    try method.encode(to: container.superEncoder(forKey: .settings))
  }
}

extension KeyedDecodingContainer {
  /// A value that may be null but must be written.
  func requiredOptional<Value: Decodable>(_ type: Value.Type, _ key: Key) throws -> Value? {
    guard contains(key) else {
      throw DecodingError.keyNotFound(key, .init(codingPath: codingPath, debugDescription: "it may be null"))
    }
    return try decodeIfPresent(type, forKey: key)
  }

  /// How many memes are labelled: a fraction up to 1, or a count above it.
  func labels(_ key: Key) throws -> Double {
    let labels = try decode(Double.self, forKey: key)
    guard labels > 0, labels <= Recipe.labelLimit else {
      throw fault(key, "labels must be above 0, as 0.05 or 150; it is \(labels)")
    }
    return labels
  }

  /// The entry of a catalog that a key names.
  func entry<Entry>(
    _ key: Key, of catalog: [Entry], called noun: String, name: (Entry) -> String
  ) throws -> Entry {
    let wanted = try decode(String.self, forKey: key)
    guard let entry = catalog.first(where: { name($0) == wanted }) else {
      throw fault(key, "there is no \(noun) '\(wanted)'; there are \(catalog.map(name).joined(separator: ", "))")
    }
    return entry
  }

  /// The settings of a method, which have no fault.
  func settings<Settings: ConfiguredMethod>(_ type: Settings.Type, _ key: Key) throws -> Settings {
    let settings = try Settings(from: superDecoder(forKey: key))
    if let fault = settings.fault { throw self.fault(key, fault) }
    return settings
  }

  /// An error at a key.
  func fault(_ key: Key, _ what: String) -> DecodingError {
    .dataCorruptedError(forKey: key, in: self, debugDescription: what)
  }
}
