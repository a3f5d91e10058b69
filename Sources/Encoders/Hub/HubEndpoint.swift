import Foundation

#if canImport(FoundationNetworking)
  import FoundationNetworking
#endif

/// A server that speaks the Hugging Face hub's protocol, asked about one model.
///
/// Source: huggingface_hub `file_download.py` and `hf_api.py`.
struct HubEndpoint {
  /// What the server says of a file before sending it.
  struct FileDescription: Equatable {
    let name: String
    /// Names the blob: the SHA-256 of a large file, git's SHA-1 of a small one.
    let etag: String
    let byteCount: Int
  }

  let root: URL
  let model: String
  let token: String?
  let idleSeconds: Double
  /// No list of files and no index of weights is nearly as large.
  private static let answerLimit = 32 << 20

  /// - Throws: ``HubFault/invalidEndpoint``.
  init(_ settings: HubSettings, model: String, idleSeconds: Double) throws(EncoderError) {
    let text = settings.endpointText
    guard let parts = URLComponents(string: text), ["http", "https"].contains(parts.scheme?.lowercased()),
      parts.host?.isEmpty == false, parts.user == nil, parts.query == nil, parts.fragment == nil, let root = parts.url
    else { throw .hub(model: model, .invalidEndpoint) }
    (self.root, self.model, token, self.idleSeconds) = (root, model, settings.token, idleSeconds)
  }

  /// A request, with the token: a redirection to another server takes it off.
  func request(_ url: URL, method: String = "GET") -> URLRequest {
    var request = URLRequest(url: url)
    request.httpMethod = method
    // Sizes and hashes are those of the file itself, not of a compressed transfer.
    request.setValue("identity", forHTTPHeaderField: "Accept-Encoding")
    request.setValue("memesense", forHTTPHeaderField: "User-Agent")
    if let token { request.setValue("Bearer \(token)", forHTTPHeaderField: "Authorization") }
    return request
  }

  func address(of file: String, commit: String) -> URL {
    root.appending(path: "\(model)/resolve/\(commit)/\(file)")
  }

  /// The commit that a branch is at and the names of all files in it.
  func files(revision: String) throws -> (commit: String, names: Set<String>) {
    struct Answer: Decodable {
      struct Sibling: Decodable { var rfilename: String }
      var sha: String
      var siblings: [Sibling]
    }
    let url = root.appending(path: "api/models/\(model)/revision/\(revision)")
    var content = Data()
    try transfer(request(url)) { head in
      try check(head.status, url)
    } bytes: { data in
      content += data
      guard content.count <= Self.answerLimit else {
        throw fault(.unexpectedAnswer(url, reason: "the list of files is larger than \(Self.answerLimit) bytes"))
      }
    }
    guard let answer = try? JSONDecoder().decode(Answer.self, from: content), HubCache.isCommit(answer.sha) else {
      throw fault(.unexpectedAnswer(url, reason: "the answer is no description of a model with its commit and files"))
    }
    return (answer.sha, Set(answer.siblings.map(\.rfilename)))
  }

  /// Asks for the hash and the size of a file.
  func describe(_ file: String, commit: String) throws -> FileDescription {
    let url = address(of: file, commit: commit)
    func unexpected(_ reason: String) -> EncoderError { fault(.unexpectedAnswer(url, reason: reason)) }
    var answer: HTTPTransfer.Head?
    // The answer that sends to a store of large files says what they are; the store need not be asked. A renamed
    // model is followed to its new name.
    try transfer(request(url, method: "HEAD")) { head, leavesOrigin in
      head.headers["x-linked-etag"] == nil && !(leavesOrigin && head.headers["etag"] != nil)
    } head: { head in
      answer = head
    } bytes: { _ in
    }
    guard let answer else { throw unexpected("the server did not answer") }
    if !(300..<400).contains(answer.status) { try check(answer.status, url) }
    if let other = answer.headers["x-repo-commit"], other != commit {
      throw unexpected("the answer is of the commit \(other), expected \(commit)")
    }
    guard let tag = answer.headers["x-linked-etag"] ?? answer.headers["etag"] else {
      throw unexpected("the answer has no X-Linked-Etag and no ETag")
    }
    let etag = (tag.hasPrefix("W/") ? tag.dropFirst(2) : tag[...]).trimmingCharacters(in: ["\""])
    guard etag.wholeMatch(of: /[0-9a-f]{40}|[0-9a-f]{64}/) != nil else {
      throw unexpected("the ETag \(etag.debugDescription) is no hash to check the file by")
    }
    let isRedirect = (300..<400).contains(answer.status)
    let size = answer.headers["x-linked-size"] ?? (isRedirect ? nil : answer.headers["content-length"])
    guard let size, let byteCount = Int(size), byteCount >= 0, byteCount < 1 << 50 else {
      throw unexpected("the answer has no X-Linked-Size and no Content-Length")
    }
    return FileDescription(name: file, etag: etag, byteCount: byteCount)
  }

  /// - Throws: ``HubFault`` unless the status is 200 or 206.
  func check(_ status: Int, _ url: URL) throws(EncoderError) {
    switch status {
    case 200, 206: return
    case 401, 403: throw fault(.refused(url, status: status, hasToken: token != nil))
    case 404: throw fault(.notFound(url))
    default: throw fault(.unreachable(url, reason: "the server answered with status \(status)"))
    }
  }

  func fault(_ fault: HubFault) -> EncoderError { .hub(model: model, fault) }

  private func transfer(
    _ request: URLRequest, follows: @escaping HTTPTransfer.RedirectRule = { _, _ in true },
    head: (HTTPTransfer.Head) throws -> Void, bytes: (Data) throws -> Void
  ) throws {
    do {
      try HTTPTransfer.get(request, idleSeconds: idleSeconds, follows: follows, head: head, bytes: bytes)
    } catch let error as HTTPTransfer.ConnectionFailure {
      throw fault(.unreachable(request.url ?? root, reason: error.reason))
    }
  }
}
