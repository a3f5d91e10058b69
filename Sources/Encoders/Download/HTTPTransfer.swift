import Dispatch
import Foundation
import Synchronization

#if canImport(FoundationNetworking)
  import FoundationNetworking
#endif

/// One HTTP request whose answer the calling thread takes piece by piece.
///
/// URLSession calls back on threads of its own. What it says is queued here, so that files, hashes and progress stay on
/// the caller's thread. URLSession cannot be held back, so a transfer whose queue grows past ``backlogLimit`` is broken
/// off: memory stays bounded however large the answer is, and the caller may go on by a range.
final class HTTPTransfer: NSObject, URLSessionDataDelegate {
  /// What comes before the bytes of an answer.
  struct Head: Sendable {
    /// The address that answered, after redirections.
    let url: URL
    let status: Int
    let contentType: String?
    let contentRange: String?
    /// All headers, their names in lower case.
    let headers: [String: String]
    /// The number of bytes that will follow; `nil` when the server does not say.
    let byteCount: Int64?
  }

  /// The network's fault: no connection, or one that broke off.
  struct ConnectionFailure: Error {
    let reason: String
    /// The bytes came faster than the caller took them; those that were handed out are good.
    var isBacklog = false
  }

  /// Whether an answer that points elsewhere is followed; where it is not, it is itself the answer.
  typealias RedirectRule = @Sendable (_ answer: Head, _ leavesOrigin: Bool) -> Bool

  private enum Event: Sendable {
    case head(Head)
    case bytes(Data)
    case end(ConnectionFailure?)
  }

  private struct Queue {
    var events: [Event] = []
    var byteCount = 0
    var redirectCount = 0
  }

  private let queue = Mutex(Queue())
  private let isReady = DispatchSemaphore(value: 0)
  private let follows: RedirectRule
  private let backlogLimit: Int
  /// No server that means well sends a client on more often.
  private static let redirectLimit = 10

  private init(follows: @escaping RedirectRule, backlogLimit: Int) {
    self.follows = follows
    self.backlogLimit = backlogLimit
  }

  /// Gets an answer and returns when its last byte was handled.
  ///
  /// - Parameters:
  ///   - idleSeconds: How long a silent connection is waited for.
  ///   - backlogLimit: The bytes that may wait for `bytes` to take them.
  ///   - follows: Asked of each redirection.
  ///   - head: Called once, before any bytes; what it throws ends the transfer.
  ///   - bytes: Called with each piece in turn; what it throws ends the transfer.
  /// - Throws: ``ConnectionFailure``, or what the closures throw.
  static func get(
    _ request: URLRequest, idleSeconds: Double, backlogLimit: Int = 64 << 20,
    follows: @escaping RedirectRule = { _, _ in true }, head: (Head) throws -> Void, bytes: (Data) throws -> Void
  ) throws {
    let transfer = HTTPTransfer(follows: follows, backlogLimit: backlogLimit)
    let configuration = URLSessionConfiguration.ephemeral
    configuration.timeoutIntervalForRequest = idleSeconds
    let session = URLSession(configuration: configuration, delegate: transfer, delegateQueue: nil)
    // Also ends a transfer that is still under way; the session keeps its delegate until then.
    defer { session.invalidateAndCancel() }
    session.dataTask(with: request).resume()
    while true {
      for event in transfer.waitForEvents() {
        switch event {
        case .head(let answer): try head(answer)
        case .bytes(let data): try bytes(data)
        case .end(let failure?): throw failure
        case .end(nil): return
        }
      }
    }
  }

  private func waitForEvents() -> [Event] {
    isReady.wait()
    return queue.withLock { queue in
      defer { (queue.events, queue.byteCount) = ([], 0) }
      return queue.events
    }
  }

  private func add(_ event: Event) {
    queue.withLock { $0.events.append(event) }
    isReady.signal()
  }

  // MARK: URLSessionDataDelegate

  func urlSession(
    _ session: URLSession, dataTask: URLSessionDataTask, didReceive response: URLResponse,
    completionHandler: @escaping (URLSession.ResponseDisposition) -> Void
  ) {
    if let response = response as? HTTPURLResponse, let url = response.url ?? dataTask.originalRequest?.url {
      add(.head(Head(response, from: url)))
    }
    completionHandler(.allow)
  }

  func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
    let isBacklog = queue.withLock { queue in
      // One piece may always wait, so that every transfer gets on.
      let isBacklog = queue.byteCount > 0 && queue.byteCount + data.count > backlogLimit
      queue.byteCount += data.count
      return isBacklog
    }
    guard !isBacklog else {
      dataTask.cancel()
      return add(.end(ConnectionFailure(reason: "the bytes came faster than they could be written", isBacklog: true)))
    }
    add(.bytes(data))
  }

  func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?) {
    add(.end(error.map { ConnectionFailure(reason: $0.localizedDescription) }))
  }

  func urlSession(
    _ session: URLSession, task: URLSessionTask, willPerformHTTPRedirection response: HTTPURLResponse,
    newRequest request: URLRequest, completionHandler: @escaping (URLRequest?) -> Void
  ) {
    var request = request
    // Foundation on Linux loses the slash at the end of a location without a host.
    let location = response.value(forHTTPHeaderField: "Location").flatMap { URL(string: $0, relativeTo: response.url) }
    if let location { request.url = location.absoluteURL }
    let (old, new) = (task.originalRequest?.url, request.url)
    // A password is for the server it was given for; another port is another server.
    let leavesOrigin = old?.origin != new?.origin
    if leavesOrigin { request.setValue(nil, forHTTPHeaderField: "Authorization") }
    let count = queue.withLock { queue in
      queue.redirectCount += 1
      return queue.redirectCount
    }
    let isHTTP = ["http", "https"].contains(new?.scheme?.lowercased())
    if let url = response.url ?? old {
      let answer = Head(response, from: url)
      guard isHTTP, count <= Self.redirectLimit, follows(answer, leavesOrigin) else {
        // Not told to the task, which `get` is about to cancel: Foundation on Linux traps where a refusal comes after that.
        add(.head(answer))
        return add(.end(nil))
      }
    }
    completionHandler(request)
  }
}

extension HTTPTransfer.Head {
  fileprivate init(_ response: HTTPURLResponse, from url: URL) {
    let count = response.expectedContentLength
    let pairs = response.allHeaderFields.compactMap { name, value in
      (name as? String).map { ($0.lowercased(), "\(value)") }
    }
    self.init(
      url: url, status: response.statusCode, contentType: response.value(forHTTPHeaderField: "Content-Type"),
      contentRange: response.value(forHTTPHeaderField: "Content-Range"),
      headers: Dictionary(pairs) { first, _ in first }, byteCount: count >= 0 ? count : nil)
  }
}

extension URL {
  /// Scheme, host and port: what a password is for.
  var origin: String {
    let scheme = scheme?.lowercased() ?? ""
    return "\(scheme)://\(host?.lowercased() ?? ""):\(port ?? (scheme == "http" ? 80 : 443))"
  }
}
