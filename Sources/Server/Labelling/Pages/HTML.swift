import Report

/// A piece of a page. What is put into it is escaped, unless it is a piece itself.
struct HTML: ExpressibleByStringInterpolation, Sendable {
  var text: String

  init(stringLiteral text: String) { self.text = text }
  init(stringInterpolation pieces: StringInterpolation) { text = pieces.text }

  struct StringInterpolation: StringInterpolationProtocol {
    fileprivate var text = ""

    init(literalCapacity: Int, interpolationCount: Int) { text.reserveCapacity(literalCapacity * 2) }

    mutating func appendLiteral(_ literal: String) { text += literal }
    mutating func appendInterpolation(_ piece: HTML) { text += piece.text }
    mutating func appendInterpolation(_ piece: HTML?) { text += piece?.text ?? "" }
    mutating func appendInterpolation(_ pieces: [HTML]) { for piece in pieces { text += piece.text } }
    mutating func appendInterpolation(_ content: String) { text += content.escaped }
    mutating func appendInterpolation(_ number: some BinaryInteger) { text += "\(number)" }
  }
}

extension Double {
  /// In hundredths, as `12 %`.
  var percent: String { "\(Int((self * 100).rounded())) %" }

  /// With so many digits behind the point.
  func rounded(digits: Int) -> String {
    let scale = (0..<digits).reduce(1.0) { scale, _ in scale * 10 }
    let value = Int((magnitude * scale).rounded())
    let sign = self < 0 && value > 0 ? "−" : ""
    guard digits > 0 else { return "\(sign)\(value)" }
    let fraction = String(value % Int(scale))
    return "\(sign)\(value / Int(scale)).\(String(repeating: "0", count: digits - fraction.count))\(fraction)"
  }
}
