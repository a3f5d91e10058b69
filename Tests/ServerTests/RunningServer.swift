import Foundation
import Logging
import ServiceLifecycle
import Synchronization

@testable import Server

/// A service of predictions in this process.
typealias RunningServer = Running<MemeServer>

extension Running where Server == MemeServer {
  convenience init(run folder: URL, _ settings: ServerSettings = ServerSettings()) async throws {
    try await self.init(settings) { settings, logger, onRunning in
      try MemeServer(run: folder, settings: settings, logger: logger, onRunning: onRunning)
    }
  }
}

/// A service in this process on a free port.
final class Running<Server: Service>: Sendable {
  let server: Server
  let port: Int
  let log: Log
  private let group: ServiceGroup
  private let task: Task<Void, any Error>

  init(
    _ settings: ServerSettings,
    _ make: @escaping @Sendable (ServerSettings, Logger, @escaping @Sendable (Int) async -> Void) throws -> Server
  ) async throws {
    var settings = settings
    settings.port = 0
    let log = Log()
    let logger = Logger(label: "test") { _ in JSONLogHandler { log.append($0) } }
    let (ports, continuation) = AsyncStream<Int>.makeStream()
    let server = try await onThread { [settings] in
      try make(settings, logger) { continuation.yield($0) }
    }
    self.server = server
    let group = ServiceGroup(configuration: .init(services: [server], logger: logger))
    task = Task {
      defer { continuation.finish() }
      try await group.run()
    }
    self.group = group
    self.log = log
    guard let port = await ports.first(where: { _ in true }) else {
      try await task.value
      throw CancellationError()
    }
    self.port = port
  }

  /// Drains it and waits for its end.
  func stop() async throws {
    await group.triggerGracefulShutdown()
    try await task.value
  }

  /// Begins to drain it.
  func beginStop() async { await group.triggerGracefulShutdown() }

  /// One request on a connection of its own.
  func send(
    _ method: String, _ path: String, headers: [String: String] = [:], body: [UInt8] = []
  ) async throws -> RawResponse {
    let port = port
    return try await onThread {
      let connection = try RawConnection(port: port)
      try connection.send(RawConnection.request(method, path, headers: headers, body: body))
      guard let response = try connection.response() else { throw RawConnection.Failure(reason: "no answer") }
      return response
    }
  }

  func sendJSON(_ path: String, _ json: String, headers: [String: String] = [:]) async throws -> RawResponse {
    try await send(
      "POST", path, headers: headers.merging(["content-type": "application/json"]) { $1 }, body: Array(json.utf8))
  }

  /// A form as curl sends it.
  func sendForm(_ path: String, _ fields: [(name: String, content: Data)]) async throws -> RawResponse {
    let boundary = "------------------------d74496d66958873e"
    var body = Data()
    for (name, content) in fields {
      let file = name == "image" ? "; filename=\"meme.png\"\r\nContent-Type: image/png" : ""
      body += Data("--\(boundary)\r\nContent-Disposition: form-data; name=\"\(name)\"\(file)\r\n\r\n".utf8)
      body += content + Data("\r\n".utf8)
    }
    body += Data("--\(boundary)--\r\n".utf8)
    return try await send(
      "POST", path, headers: ["content-type": "multipart/form-data; boundary=\(boundary)"], body: Array(body))
  }
}

/// The lines that were logged.
final class Log: Sendable {
  private let text = Mutex("")
  func append(_ line: Data) { text.withLock { $0 += String(decoding: line, as: UTF8.self) } }
  var lines: [String] { text.withLock { $0 }.split(separator: "\n").map(String.init) }
}

/// Runs what blocks on a thread of its own: those of tasks are few, and the service needs them.
func onThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
  try await withCheckedThrowingContinuation { continuation in
    Thread.detachNewThread { continuation.resume(with: Result(catching: body)) }
  }
}

/// An answer as it came.
struct RawResponse: Sendable {
  var status: Int
  /// By name in lower case.
  var headers: [String: String]
  var body: Data

  func object() throws -> [String: Any] {
    guard let object = try JSONSerialization.jsonObject(with: body) as? [String: Any] else {
      throw RawConnection.Failure(reason: "the answer is no JSON object")
    }
    return object
  }

  /// The code of an error in OpenAI's shape.
  var errorCode: String? {
    get throws { (try object()["error"] as? [String: Any])?["code"] as? String }
  }
}

/// A connection over which anything can be sent.
final class RawConnection: @unchecked Sendable {  // used by one thread at a time
  struct Failure: Error, CustomStringConvertible {
    var reason: String
    var description: String { reason }
  }

  private let descriptor: Int32
  private var received: [UInt8] = []

  init(port: Int, timeout seconds: Int = 30) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { throw Failure(reason: "no socket: \(errno)") }
    var limit = timeval(tv_sec: seconds, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    let status = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard status == 0 else {
      close(descriptor)
      throw Failure(reason: "no connection: \(errno)")
    }
  }

  deinit { close(descriptor) }

  static func request(
    _ method: String, _ path: String, headers: [String: String] = [:], body: [UInt8] = []
  ) -> [UInt8] {
    var lines = ["\(method) \(path) HTTP/1.1", "host: localhost"]
    lines += headers.map { "\($0): \($1)" }
    if headers["content-length"] == nil, headers["transfer-encoding"] == nil, !body.isEmpty {
      lines.append("content-length: \(body.count)")
    }
    return Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + body
  }

  /// Sends all bytes; a connection that the other side has closed is no error before an answer is read.
  func send(_ bytes: [UInt8]) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      guard count > 0 else { return }
      rest = rest.dropFirst(count)
    }
  }

  func send(_ text: String) throws { try send(Array(text.utf8)) }

  /// The next answer; `nil` where the connection is closed before it.
  func response() throws -> RawResponse? {
    while true {
      if let response = try takeResponse() { return response }
      guard try receive() else { return nil }
    }
  }

  /// Whether the other side closes before the time is over.
  func isClosed() throws -> Bool {
    while try receive() {}
    return true
  }

  /// `false` at the end of the stream.
  private func receive() throws -> Bool {
    var buffer = [UInt8](repeating: 0, count: 65536)
    let count = recv(descriptor, &buffer, buffer.count, 0)
    if count < 0 {
      if errno == ECONNRESET { return false }
      throw Failure(reason: "nothing came: \(errno)")
    }
    received += buffer[..<count]
    return count > 0
  }

  private func takeResponse() throws -> RawResponse? {
    guard let end = received.indices.dropLast(3).first(where: { received[$0...].starts(with: [13, 10, 13, 10]) }) else {
      return nil
    }
    var lines = String(decoding: received[..<end], as: UTF8.self).components(separatedBy: "\r\n")
    guard let status = Int(lines.removeFirst().split(separator: " ")[1]) else { throw Failure(reason: "no status") }
    let headers = Dictionary(
      lines.map { line in
        let parts = line.split(separator: ":", maxSplits: 1)
        return (parts[0].lowercased(), parts[1].trimmingCharacters(in: .whitespaces))
      }
    ) { $1 }
    let length = Int(headers["content-length"] ?? "0") ?? 0
    guard received.count >= end + 4 + length else { return nil }
    let body = Data(received[end + 4..<end + 4 + length])
    received.removeFirst(end + 4 + length)
    return RawResponse(status: status, headers: headers, body: body)
  }
}
