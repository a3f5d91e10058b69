/// What stands written on a picture.
public struct RecognizedText: Sendable, Equatable {
  /// A line, in the picture's own pixels.
  public struct Line: Sendable, Equatable, Codable {
    public var text: String
    /// The mean over its characters of how sure the engine is of their words, 0 to 1.
    public var confidence: Double
    public var box: Box

    public init(text: String, confidence: Double, box: Box) {
      self.text = text
      self.confidence = confidence
      self.box = box
    }
  }

  /// A rectangle of pixels; right and bottom are the first ones outside.
  public struct Box: Sendable, Equatable, Codable {
    public var left: Int
    public var top: Int
    public var right: Int
    public var bottom: Int

    public init(left: Int, top: Int, right: Int, bottom: Int) {
      self.left = left
      self.top = top
      self.right = right
      self.bottom = bottom
    }

    var width: Int { right - left }
    var height: Int { bottom - top }
    var area: Int { width * height }

    /// The least rectangle that holds both.
    func union(_ other: Box) -> Box {
      Box(
        left: min(left, other.left), top: min(top, other.top), right: max(right, other.right),
        bottom: max(bottom, other.bottom))
    }

    /// How many columns both have; negative where there is a gap.
    func sharedWidth(_ other: Box) -> Int { min(right, other.right) - max(left, other.left) }

    /// How many rows both have; negative where there is a gap.
    func sharedHeight(_ other: Box) -> Int { min(bottom, other.bottom) - max(top, other.top) }

    /// Whether the two stand in one row: half the lower one's height is beside the other.
    func isBeside(_ other: Box) -> Bool { 2 * sharedHeight(other) > min(height, other.height) }
  }

  /// In the order in which people read them.
  public var lines: [Line]

  public init(lines: [Line]) { self.lines = lines }

  /// The lines, one below the other; empty where the picture has none.
  public var text: String { lines.map(\.text).joined(separator: "\n") }
}
