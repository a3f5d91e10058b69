import Foundation

#if canImport(FoundationNetworking)
  import FoundationNetworking
#endif

/// A Python package index, asked for the address of one file by the simple API (PEP 503 in HTML, PEP 691 in JSON).
struct WheelIndex: Sendable {
  /// The address that project names are appended to, without user and password.
  let root: URL
  /// The `Authorization` of the user and password that stood in the address.
  private let authorization: String?

  /// - Parameter address: As in pip's `PIP_INDEX_URL`, `https://user:password@host/simple`.
  /// - Throws: ``EncoderError/invalidIndex`` unless it is an HTTP address.
  init(_ address: String) throws(EncoderError) {
    guard var parts = URLComponents(string: address), ["http", "https"].contains(parts.scheme?.lowercased()),
      parts.host?.isEmpty == false
    else { throw .invalidIndex }
    authorization = parts.user.map { "Basic " + Data("\($0):\(parts.password ?? "")".utf8).base64EncodedString() }
    (parts.user, parts.password, parts.fragment) = (nil, nil, nil)
    guard let root = parts.url else { throw .invalidIndex }
    self.root = root
  }

  /// The page that lists the files of a project.
  func page(of project: String) -> URL { root.appending(path: project + "/") }

  /// A request for a page, in JSON where the index has it.
  func pageRequest(_ url: URL) -> URLRequest {
    var request = request(url)
    request.setValue(
      "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1",
      forHTTPHeaderField: "Accept")
    return request
  }

  /// A request for the bytes of a file from `offset` on.
  func fileRequest(_ url: URL, from offset: Int) -> URLRequest {
    var request = request(url)
    // Offsets and hashes are those of the file itself, not of a compressed transfer.
    request.setValue("identity", forHTTPHeaderField: "Accept-Encoding")
    if offset > 0 { request.setValue("bytes=\(offset)-", forHTTPHeaderField: "Range") }
    return request
  }

  private func request(_ url: URL) -> URLRequest {
    var request = URLRequest(url: url)
    if let authorization, url.host == root.host, url.scheme == root.scheme, url.port == root.port {
      request.setValue(authorization, forHTTPHeaderField: "Authorization")
    }
    return request
  }

  /// The address of the file that a page gives for a name; `nil` when it lists none.
  ///
  /// - Parameter url: The address of the page itself, which relative ones start from.
  /// - Throws: `DecodingError` for a JSON page that does not follow PEP 691.
  static func address(of fileName: String, in page: Data, contentType: String?, at url: URL) throws -> URL? {
    let addresses: [String]
    if contentType?.lowercased().contains("json") == true {
      let files = try JSONDecoder().decode(JSONPage.self, from: page).files
      addresses = files.filter { $0.filename == fileName }.map(\.url)
    } else {
      addresses = String(decoding: page, as: UTF8.self)
        .matches(of: /\bhref\s*=\s*(?:"([^"]*)"|'([^']*)')/.ignoresCase())
        .map { String($0.1 ?? $0.2 ?? "").replacing("&amp;", with: "&") }
    }
    let found = addresses.lazy.compactMap { URL(string: $0, relativeTo: url)?.absoluteURL }
    return found.first { address in
      // PEP 503: the last part of the address is the file's name.
      ["http", "https"].contains(address.scheme?.lowercased()) && address.lastPathComponent == fileName
    }
  }

  private struct JSONPage: Decodable {
    struct File: Decodable {
      var filename: String
      var url: String
    }
    var files: [File]
  }
}
