/// A metric's value, or why it has none.
///
/// An AUROC over memes of one class is not 0 and not 0.5: it does not exist. Carrying the reason keeps such a value
/// from being averaged, plotted or compared by accident. Encodes as a JSON number or `null`.
public enum Score: Equatable, Sendable {
  case defined(Double)
  case undefined(reason: String)

  /// The number, or `nil` where the score is undefined.
  public var value: Double? {
    if case .defined(let value) = self { value } else { nil }
  }

  /// Why there is no number, or `nil` where there is one.
  public var reason: String? {
    if case .undefined(let reason) = self { reason } else { nil }
  }

  /// The unweighted mean of named scores, undefined as soon as one of them is.
  ///
  /// Leaving undefined members out would compare means over different labels, so the mean names them instead.
  static func mean(of scores: [(name: String, score: Score)]) -> Score {
    let reasons = scores.compactMap { entry in entry.score.reason.map { "\(entry.name): \($0)" } }
    guard reasons.isEmpty else { return .undefined(reason: reasons.joined(separator: "; ")) }
    guard !scores.isEmpty else { return .undefined(reason: "there is nothing to average") }
    return .defined(scores.reduce(0) { $0 + ($1.score.value ?? 0) } / Double(scores.count))
  }
}

extension Score: Encodable {
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .defined(let value): try container.encode(value)
    case .undefined: try container.encodeNil()
    }
  }
}
