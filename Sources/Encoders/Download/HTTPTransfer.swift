import Dispatch
import Foundation
import Synchronization

#if canImport(FoundationNetworking)
  import FoundationNetworking
#endif

/// One HTTP GET whose answer the calling thread takes piece by piece.
///
/// URLSession calls back on threads of its own. What it says is queued here, so that files, hashes and progress stay on
/// the caller's thread.
final class HTTPTransfer: NSObject, URLSessionDataDelegate {
  /// What comes before the bytes of an answer.
  struct Head: Sendable {
    /// The address that answered, after redirections.
    let url: URL
    let status: Int
    let contentType: String?
    let contentRange: String?
    /// The number of bytes that will follow; `nil` when the server does not say.
    let byteCount: Int64?
  }

  /// The network's fault: no connection, or one that broke off.
  struct ConnectionFailure: Error {
    let reason: String
  }

  private enum Event: Sendable {
    case head(Head)
    case bytes(Data)
    case end(ConnectionFailure?)
  }

  private let events = Mutex<[Event]>([])
  private let isReady = DispatchSemaphore(value: 0)

  /// Gets an answer and returns when its last byte was handled.
  ///
  /// - Parameters:
  ///   - idleSeconds: How long a silent connection is waited for.
  ///   - head: Called once, before any bytes; what it throws ends the transfer.
  ///   - bytes: Called with each piece in turn; what it throws ends the transfer.
  /// - Throws: ``ConnectionFailure``, or what the closures throw.
  static func get(
    _ request: URLRequest, idleSeconds: Double, head: (Head) throws -> Void, bytes: (Data) throws -> Void
  ) throws {
    let transfer = HTTPTransfer()
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
    return events.withLock { events in
      defer { events = [] }
      return events
    }
  }

  private func add(_ event: Event) {
    events.withLock { $0.append(event) }
    isReady.signal()
  }

  // MARK: URLSessionDataDelegate

  func urlSession(
    _ session: URLSession, dataTask: URLSessionDataTask, didReceive response: URLResponse,
    completionHandler: @escaping (URLSession.ResponseDisposition) -> Void
  ) {
    if let response = response as? HTTPURLResponse, let url = response.url ?? dataTask.originalRequest?.url {
      let count = response.expectedContentLength
      add(
        .head(
          Head(
            url: url, status: response.statusCode,
            contentType: response.value(forHTTPHeaderField: "Content-Type"),
            contentRange: response.value(forHTTPHeaderField: "Content-Range"), byteCount: count >= 0 ? count : nil)))
    }
    completionHandler(.allow)
  }

  func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
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
    // A password is for the host it was given for.
    if request.url?.host != task.originalRequest?.url?.host {
      request.setValue(nil, forHTTPHeaderField: "Authorization")
    }
    completionHandler(request)
  }
}
