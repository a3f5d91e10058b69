import Foundation

/// Reads a picture's file out of text: base64 as it is, or a `data:` URL (RFC 2397).
enum EncodedPicture {
  /// - Parameter field: what errors call the text.
  static func data(_ text: String, field: String) throws(APIError) -> Data {
    if text.hasPrefix("data:") { return try data(ofURL: text, field: field) }
    if isAddress(text) {
      throw .invalid(
        "\(field) is an address, and no address is ever fetched: send the picture itself as base64 or as a data: URL",
        parameter: field, code: "url_not_allowed")
    }
    return try decoded(Substring(text), field: field)
  }

  /// Reads a URL that must be a `data:` URL.
  static func data(ofURL url: String, field: String) throws(APIError) -> Data {
    guard url.hasPrefix("data:") else {
      throw .invalid(
        "\(field) is not a data: URL, and no other address is ever fetched: send data:image/jpeg;base64,…",
        parameter: field, code: "url_not_allowed")
    }
    guard let comma = url.firstIndex(of: ","), url[..<comma].lowercased().hasSuffix(";base64") else {
      throw .invalid("\(field) is no data: URL of the form data:image/jpeg;base64,…", parameter: field)
    }
    return try decoded(url[url.index(after: comma)...], field: field)
  }

  private static func decoded(_ text: Substring, field: String) throws(APIError) -> Data {
    guard !text.isEmpty, let data = Data(base64Encoded: String(text)) else {
      throw .invalid(
        "\(field) is no base64 (RFC 4648 §4: padded, without line breaks)", parameter: field, code: "invalid_base64")
    }
    return data
  }

  private static func isAddress(_ text: String) -> Bool {
    ["http://", "https://", "ftp://", "file://"].contains { text.prefix(8).lowercased().hasPrefix($0) }
  }
}
