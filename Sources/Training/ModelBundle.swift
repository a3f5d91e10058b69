import Checkpoints
import Encoders
import Foundation
import MemeData
import Methods
import Metrics
import TextRecognition
import Torch

/// A trained model as files: `model.safetensors` with the tensors, `model.json` with all that is needed to use them, and
/// `calibration.json` where its recipe asks for a calibration.
public struct ModelBundle {
  /// What `model.json` holds.
  public struct Description: Codable, Sendable {
    /// The layout of the bundle; readers refuse a newer one.
    public var formatVersion = 1
    public var shape: ProblemShape
    public var recipe: Recipe
    /// Which labels feed the categories of other moderation services; the usual ones where a file does not say.
    public var categories: CategoryMapping

    public init(shape: ProblemShape, recipe: Recipe) {
      self.shape = shape
      self.recipe = recipe
      categories = CategoryMapping(usualFor: shape.tasks)
    }

    public init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: CodingKeys.self)
      formatVersion = try container.decode(Int.self, forKey: .formatVersion)
      shape = try container.decode(ProblemShape.self, forKey: .shape)
      recipe = try container.decode(Recipe.self, forKey: .recipe)
      // Bundles that were written before there was a service have none.
      categories =
        try container.decodeIfPresent(CategoryMapping.self, forKey: .categories)
        ?? CategoryMapping(usualFor: shape.tasks)
    }

    enum CodingKeys: String, CodingKey {
      case shape, recipe, categories
      case formatVersion = "format_version"
    }
  }

  public var description: Description
  public var classifier: any Classifier
  /// The encoders whose features the model was trained on.
  public var encoder: EncoderPair
  /// What reads texts that memes lack, where the model was trained on such.
  let recognizers: TextRecognizers?
  /// For each of ``tasks``; `nil` where the recipe asks for none.
  public var calibrations: [TaskCalibration]?

  public var task: LabelTask { description.shape.task }
  /// All tasks it learned, ``task`` first.
  public var tasks: [LabelTask] { description.shape.tasks }

  /// Writes the files into `folder`; `model.json` comes last, so that a bundle with it is whole.
  ///
  /// - Parameter calibrations: one for each task of the model; `nil` for none.
  public static func write(
    _ model: FittedModel, _ description: Description, calibrations: [TaskCalibration]?, to folder: URL
  ) throws {
    if let calibrations {
      try CalibrationFile(calibrations, of: description.shape.tasks).write(to: folder)
    }
    try Checkpoint(tensors: model.values).write(to: folder.appending(path: tensorsName))
    try writeAtomically(JSON.pretty(description), to: folder.appending(path: descriptionName))
  }

  /// Lets other labels feed the categories of the bundle in `folder`, as if its `model.json` were edited.
  static func setCategories(_ categories: CategoryMapping, in folder: URL) throws {
    let file = folder.appending(path: descriptionName)
    var description = try JSONDecoder().decode(Description.self, from: Data(contentsOf: file))
    description.categories = categories
    try writeAtomically(JSON.pretty(description), to: file)
  }

  /// Restores the model of a run's folder.
  ///
  /// - Parameter device: Where it and its encoders compute, wherever it was trained.
  public init(_ folder: URL, on device: Device = .cpu) throws {
    try device.requireAvailable()
    let file = folder.appending(path: Self.descriptionName)
    guard let data = FileManager.default.contents(atPath: file.path) else {
      throw TrainingError.notARun(folder, reason: "it has no \(Self.descriptionName)")
    }
    do {
      description = try JSONDecoder().decode(Description.self, from: data)
    } catch {
      throw TrainingError.notARun(folder, reason: "its \(Self.descriptionName) cannot be read: \(error)")
    }
    guard description.formatVersion == 1 else {
      throw TrainingError.notARun(
        folder, reason: "its format_version is \(description.formatVersion) and this program reads 1; update it")
    }
    if let fault = description.shape.fault {
      throw TrainingError.notARun(folder, reason: "its \(Self.descriptionName) is damaged: \(fault)")
    }
    if let fault = description.categories.fault(for: description.shape.tasks) {
      throw TrainingError.notARun(folder, reason: "the categories of its \(Self.descriptionName): \(fault)")
    }
    guard description.shape.furtherTasks == nil || type(of: description.recipe.method).learnsSeveralTasks else {
      throw TrainingError.notARun(
        folder, reason: "its \(Self.descriptionName) is damaged: \(description.recipe.methodName) learns one task")
    }
    calibrations =
      description.recipe.calibration == nil
      ? nil : try CalibrationFile(folder).calibrations(of: description.shape.tasks, folder: folder)
    encoder = try EncoderCatalog.pair(
      named: description.recipe.encoder, computation: Computation(device: device))
    recognizers = try description.recipe.readTexts.map { try TextRecognizers(language: $0) }
    let (shape, readsFeatures) = (description.shape, description.recipe.method.request.readsFeatures)
    guard !readsFeatures || (encoder.imageWidth, encoder.textWidth) == (shape.imageWidth, shape.textWidth) else {
      throw TrainingError.notARun(
        folder, reason: "it was trained on features of other widths than those of the encoder '\(encoder.name)'")
    }
    // Copied: where rows begin in memory decides on some processors how products round, and answers are to be those of the
    // training to the last digit.
    let values = try Checkpoint(contentsOf: folder.appending(path: Self.tensorsName)).tensors
    do {
      classifier = try description.recipe.method.restored(for: description.shape, from: values, on: device)
    } catch {
      throw TrainingError.notARun(folder, reason: "\(Self.tensorsName): \(error)")
    }
  }

  /// Refuses memes whose regions are not like those that the model was trained on: a detector's file may have changed.
  public func check(_ features: FeatureTable) throws {
    let (found, expected) = (features.regions?.width, description.shape.regionWidth)
    guard found == expected else {
      throw TrainingError.invalid(
        "regions have \(found ?? 0) features, and the model was trained on regions of \(expected ?? 0): give it the "
          + "detector's file that it was trained with")
    }
  }

  /// The files that say what the bundle in `folder` answers.
  public static func files(in folder: URL) -> [URL] {
    let calibration = folder.appending(path: CalibrationFile.name)
    return [descriptionName, tensorsName].map { folder.appending(path: $0) }
      + (FileManager.default.fileExists(atPath: calibration.path) ? [calibration] : [])
  }

  private static let tensorsName = "model.safetensors"
  private static let descriptionName = "model.json"
}

/// JSON as the project's files have it: sorted keys, slashes unescaped.
public enum JSON {
  public static func pretty(_ value: some Encodable) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(value) + Data("\n".utf8)
  }

  /// One line, as JSONL has it.
  public static func line(_ value: some Encodable) throws -> Data { try value.jsonLine() }
}
