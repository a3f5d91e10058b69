import Foundation
import Logging
import Synchronization

/// Writes one JSON object a line.
public struct JSONLogHandler: LogHandler {
  public var metadata: Logger.Metadata = [:]
  public var logLevel: Logger.Level
  private let write: @Sendable (Data) -> Void

  /// - Parameter write: takes whole lines, from any thread.
  public init(level: Logger.Level = .info, write: @escaping @Sendable (Data) -> Void) {
    logLevel = level
    self.write = write
  }

  public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  public func log(event: LogEvent) {
    var members: [String: any Encodable] = metadata.merging(event.metadata ?? [:]) { $1 }.mapValues(Self.value)
    members["time"] = Date().ISO8601Format(.iso8601(timeZone: .gmt, includingFractionalSeconds: true))
    members["level"] = event.level.rawValue
    members["message"] = "\(event.message)"
    if let error = event.error { members["error"] = "\(error)" }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    // Strings, numbers and lists of them: nothing of this can fail to be written as JSON but a number that is none.
    guard let line = try? encoder.encode(members.mapValues(AnyEncodable.init)) else { return }
    write(line + Data("\n".utf8))
  }

  private struct AnyEncodable: Encodable {
    var value: any Encodable
    func encode(to encoder: any Encoder) throws { try value.encode(to: encoder) }
  }

  private static func value(_ value: Logger.MetadataValue) -> any Encodable {
    switch value {
    case .string(let text): text
    case .stringConvertible(let number as Int): number
    case .stringConvertible(let number as Double): number.isFinite ? number : nil as Double?
    case .stringConvertible(let other): "\(other)"
    case .array(let values): values.map { AnyEncodable(value: Self.value($0)) }
    case .dictionary(let values): values.mapValues { AnyEncodable(value: Self.value($0)) }
    }
  }
}
