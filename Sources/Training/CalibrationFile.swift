import Checkpoints
import Foundation
import MemeData
import Metrics

/// `calibration.json` of a run: the temperatures and thresholds of each of its tasks.
struct CalibrationFile: Codable {
  /// The layout; readers refuse a newer one.
  var formatVersion = 1
  /// By task name.
  var tasks: [String: TaskCalibration]

  enum CodingKeys: String, CodingKey {
    case tasks
    case formatVersion = "format_version"
  }

  static let name = "calibration.json"

  init(_ calibrations: [TaskCalibration], of tasks: [LabelTask]) {
    self.tasks = Dictionary(uniqueKeysWithValues: zip(tasks.map(\.name), calibrations))
  }

  /// - Throws: ``TrainingError/notARun(_:reason:)`` for one that is missing or cannot be read.
  init(_ folder: URL) throws {
    guard let data = FileManager.default.contents(atPath: folder.appending(path: Self.name).path) else {
      throw TrainingError.notARun(folder, reason: "its recipe asks for a calibration and there is no \(Self.name)")
    }
    do {
      self = try JSONDecoder().decode(Self.self, from: data)
    } catch {
      throw TrainingError.notARun(folder, reason: "its \(Self.name) cannot be read: \(error)")
    }
    guard formatVersion == 1 else {
      throw TrainingError.notARun(
        folder, reason: "the format_version of \(Self.name) is \(formatVersion) and this program reads 1; update it")
    }
  }

  /// - Throws: ``TrainingError/notARun(_:reason:)`` where one is missing or does not fit its task.
  func calibrations(of tasks: [LabelTask], folder: URL) throws -> [TaskCalibration] {
    try tasks.map { task in
      guard let calibration = self.tasks[task.name] else {
        throw TrainingError.notARun(folder, reason: "its \(Self.name) says nothing of the task '\(task.name)'")
      }
      if let fault = calibration.fault(kind: task.kind.metricKind, labels: task.labels) {
        throw TrainingError.notARun(folder, reason: "its \(Self.name) does not fit the task '\(task.name)': \(fault)")
      }
      return calibration
    }
  }

  func write(to folder: URL) throws {
    try writeAtomically(JSON.pretty(self), to: folder.appending(path: Self.name))
  }
}

extension LabelTask.Kind {
  /// The same kind as metrics call it.
  var metricKind: TaskKind {
    switch self {
    case .binary: .binary
    case .multiclass: .multiclass
    case .multilabel: .multilabel
    }
  }
}

extension TaskCalibration {
  /// Chooses temperatures and thresholds for each task of a classifier on the labelled memes of the validation split.
  ///
  /// Training memes are no substitute: a model is surer of what it was trained on than of anything else.
  ///
  /// - Throws: ``TrainingError/invalid(_:)`` where no validation meme is labelled for one of the tasks.
  static func fitted(
    _ settings: Settings, to sets: [PredictionSet], tasks: [LabelTask]
  ) throws -> [TaskCalibration] {
    try tasks.map { task in
      guard let set = sets.first(where: { $0.task == task }) else { throw Self.impossible(task) }
      return set.calibration(settings)
    }
  }

  /// Refuses tasks that no validation meme is labelled for, before anything is trained.
  static func check(_ corpus: Corpus, tasks: [LabelTask]) throws {
    let memes = corpus.memes(in: .validation)
    for task in tasks where !memes.contains(where: { $0.labels[task.name] != nil }) { throw Self.impossible(task) }
  }

  private static func impossible(_ task: LabelTask) -> TrainingError {
    .invalid(
      "a calibration is fitted on validation memes, and none is labelled for '\(task.name)'. Training memes will not "
        + "do, as the model is surer of them than of others: train without --calibrate, or name validation memes in a "
        + "--split-file")
  }
}
