import Foundation
import Synchronization

/// `log.jsonl` of a run: one line an epoch of a stage. An event file, where there is one, is told the same.
public final class TrainingLog: Sendable {
  /// One epoch of a stage.
  public struct Epoch: Codable, Sendable, Equatable {
    public var stage: String
    public var epoch: Int
    public var loss: Double
    public var learningRate: Double
    public var seconds: Double
    /// The score on the validation split, where epochs are chosen by one.
    public var score: Double?
    /// What the stage measures beside its loss, by name.
    public var measures: [String: Double]?
    /// What a person should know of what was measured; left out where that is nothing.
    public var warnings: [String]?

    enum CodingKeys: String, CodingKey {
      case stage, epoch, loss, seconds, score, measures, warnings
      case learningRate = "learning_rate"
    }
  }

  private let file: URL
  private let entries: Mutex<[Epoch]>
  /// For TensorBoard.
  let events: EventFile?

  /// Opens the log at `file`, taking up what stands there. A last line cut short by a kill is dropped.
  public convenience init(_ file: URL) throws { try self.init(file, events: nil) }

  init(_ file: URL, events: EventFile?) throws {
    self.file = file
    self.events = events
    var epochs: [Epoch] = []
    let contents = FileManager.default.fileExists(atPath: file.path) ? try Data(contentsOf: file) : nil
    if let contents {
      let decoder = JSONDecoder()
      let lines = contents.split(separator: UInt8(ascii: "\n"))
      for (index, line) in lines.enumerated() {
        do {
          epochs.append(try decoder.decode(Epoch.self, from: Data(line)))
        } catch {
          guard index == lines.count - 1 else {
            throw TrainingError.unusableCheckpoint(file: file, reason: "line \(index + 1) is not an epoch: \(error)")
          }
        }
      }
    }
    if epochs.isEmpty, contents?.isEmpty != true { try Data().write(to: file) }
    entries = Mutex(epochs)
  }

  /// The epochs logged so far, in the order they were finished.
  public var epochs: [Epoch] { entries.withLock { $0 } }

  func append(_ epoch: Epoch) throws {
    try entries.withLock { epochs in
      epochs.append(epoch)
      let handle = try FileHandle(forUpdating: file)
      defer { try? handle.close() }
      try handle.seekToEnd()
      try handle.write(contentsOf: Self.line(epoch))
    }
    let score = epoch.score.map { [Event.Value.scalar("\(epoch.stage)/validation_score", $0)] } ?? []
    let measures = (epoch.measures ?? [:]).sorted { $0.key < $1.key }.map {
      Event.Value.scalar("\(epoch.stage)/\($0.key)", $0.value)
    }
    try events?.append(
      [.scalar("\(epoch.stage)/loss", epoch.loss), .scalar("\(epoch.stage)/learning_rate", epoch.learningRate)] + score
        + measures,
      step: epoch.epoch)
  }

  /// Forgets epochs of `stage` after the first `count`: they were done after its last checkpoint and come again.
  func rewind(stage: String, to count: Int) throws {
    try entries.withLock { epochs in
      epochs.removeAll { $0.stage == stage && $0.epoch > count }
      try Data(epochs.map(Self.line).joined()).write(to: file, options: .atomic)
    }
    try events?.removeAll { event in event.step > count && event.tags.contains { $0.hasPrefix("\(stage)/") } }
  }

  private static func line(_ epoch: Epoch) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    return try encoder.encode(epoch) + Data("\n".utf8)
  }
}
