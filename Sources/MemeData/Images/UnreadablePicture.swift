/// A meme whose picture could not be read.
public struct UnreadablePicture: Sendable, Equatable, Codable, CustomStringConvertible {
  /// The meme's.
  public var id: String
  public var reason: String

  public init(id: String, reason: String) {
    self.id = id
    self.reason = reason
  }

  public var description: String { "\(id): \(reason)" }
}
