import Foundation
import Synchronization
import Testing

@testable import Server

/// Something that another thread is told.
private final class Flag: Sendable {
  private let value = Mutex(false)
  var isSet: Bool { value.withLock { $0 } }
  func set() { value.withLock { $0 = true } }
}

extension RealServiceTests {
  /// Limits, slow and hostile clients, keys, draining and exchanging the model, each on a service of its own.
  @Suite struct LifecycleTests {
    private let folder: TemporaryFolder

    init() async throws {
      let folder = try TemporaryFolder()
      try await onThread { try TinyRun.write(to: folder.url) }
      self.folder = folder
    }

    private func server(_ change: (inout ServerSettings) -> Void = { _ in }) async throws -> RunningServer {
      var settings = ServerSettings()
      change(&settings)
      return try await RunningServer(run: folder.url, settings)
    }

    private func expectGood(_ server: RunningServer, sourceLocation: SourceLocation = #_sourceLocation) async throws {
      let answer = try await server.sendJSON("/v1/predict", #"{"text":"a good request"}"#)
      #expect(answer.status == 200, sourceLocation: sourceLocation)
    }

    // MARK: Limits

    @Test func aFullServiceSendsAway() async throws {
      let server = try await server {
        $0.queueLimit = 2
        $0.bodyBudget = 1
        $0.bodyLimit = 2000
      }
      let three = try await server.sendJSON("/v1/predict", #"{"memes":[{"text":"a"},{"text":"b"},{"text":"c"}]}"#)
      #expect(three.status == 413, "no request can ask for more than there is room for")
      // One request keeps what has come of its body, which is nearly the whole budget of bytes.
      let answers = try await onThread { [server] in
        let slow = try RawConnection(port: server.port)
        let body = Array(#"{"text":"\#(String(repeating: "a", count: 1980))"}"#.utf8)
        let request = RawConnection.request(
          "POST", "/v1/predict", headers: ["content-type": "application/json"], body: body)
        try slow.send(Array(request.dropLast(10)))
        Thread.sleep(forTimeInterval: 0.5)
        let other = try RawConnection(port: server.port)
        try other.send(request)
        let refused = try other.response()
        try slow.send(Array(request.suffix(10)))
        return (refused, try slow.response())
      }
      #expect(answers.0?.status == 503 && answers.0?.headers["retry-after"] == "1")
      #expect(try answers.0?.errorCode == "queue_full")
      #expect(answers.1?.status == 200)
      try await expectGood(server)
      try await server.stop()
    }

    @Test func bodiesThatAreAnnouncedAndNeverComeTakeNoRoom() async throws {
      let server = try await server {
        $0.bodyBudget = 1
        $0.bodyLimit = 2000
        $0.bodyTimeout = .seconds(5)
      }
      let silent = try await onThread { [server] in
        let headers = ["content-type": "application/json", "content-length": "2000"]
        let connections = try (0..<20).map { _ in
          let connection = try RawConnection(port: server.port)
          try connection.send(RawConnection.request("POST", "/v1/predict", headers: headers))
          return connection
        }
        Thread.sleep(forTimeInterval: 0.3)
        return connections
      }
      for _ in 0..<3 { try await expectGood(server) }
      _ = silent.count
      try await server.stop()
    }

    @Test func moreMemesThanThereIsRoomForAreSentAwayAndTheRestAnswered() async throws {
      let server = try await server { $0.queueLimit = 4 }
      let picture = try await onThread { try TinyRun.picture(1, side: 400) }
      let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
        for _ in 0..<40 {
          group.addTask { try await server.sendForm("/v1/predict", [(name: "image", content: picture)]).status }
        }
        return try await group.reduce(into: [:]) { $0[$1, default: 0] += 1 }
      }
      #expect(Set(statuses.keys) == [200, 503] && statuses[200, default: 0] >= 4, "\(statuses)")
      #expect(server.server.load == 0)
      try await expectGood(server)
      try await server.stop()
    }

    @Test func theDeadlineIsKept() async throws {
      let server = try await server { $0.deadline = .microseconds(1) }
      let answer = try await server.sendJSON("/v1/predict", #"{"text":"late"}"#)
      #expect(answer.status == 504)
      #expect(try answer.errorCode == "deadline_exceeded")
      #expect(server.server.load == 0)
      try await server.stop()
    }

    @Test func largeBodiesAreRefusedBeforeTheyAreRead() async throws {
      let server = try await server { $0.bodyLimit = 1000 }
      let answers = try await onThread { [server] in
        let announced = try RawConnection(port: server.port)
        try announced.send(RawConnection.request("POST", "/v1/predict", headers: ["content-length": "99999999999"]))
        let first = try announced.response()
        let firstClosed = try announced.isClosed()
        let chunked = try RawConnection(port: server.port)
        try chunked.send(
          RawConnection.request(
            "POST", "/v1/predict", headers: ["transfer-encoding": "chunked", "content-type": "application/json"]))
        for _ in 0..<20 { try chunked.send("64\r\n\(String(repeating: " ", count: 100))\r\n") }
        return (first, firstClosed, try chunked.response(), try chunked.isClosed())
      }
      #expect(answers.0?.status == 413 && answers.0?.headers["connection"] == "close" && answers.1)
      #expect(answers.2?.status == 413 && answers.3)
      try await expectGood(server)
      try await server.stop()
    }

    @Test func aClientMayAskBeforeItSends() async throws {
      let server = try await server { $0.bodyLimit = 1000 }
      let answers = try await onThread { [server] in
        let body = Array(#"{"text":"a"}"#.utf8)
        let headers = ["expect": "100-continue", "content-type": "application/json"]
        let polite = try RawConnection(port: server.port)
        let request = RawConnection.request("POST", "/v1/predict", headers: headers, body: body)
        try polite.send(Array(request.dropLast(body.count)))
        let invited = try polite.response()
        try polite.send(body)
        let answer = try polite.response()
        let large = try RawConnection(port: server.port)
        try large.send(
          RawConnection.request("POST", "/v1/predict", headers: headers.merging(["content-length": "2000"]) { $1 }))
        return (invited?.status, answer?.status, try large.response()?.status)
      }
      #expect(answers == (100, 200, 413))
      try await server.stop()
    }

    // MARK: Hostile clients

    @Test func malformedHTTPIsRefused() async throws {
      let server = try await server()
      for text in [
        "nonsense\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET /\r\n\r\n", "\u{0}\u{1}\u{2}\r\n\r\n",
        "POST /v1/predict HTTP/1.1\r\nhost: a\r\ncontent-length: x\r\n\r\n",
        "POST /v1/predict HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n",
        "POST /v1/predict HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\na",
        "POST /v1/predict HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        "GET /healthz HTTP/1.1\r\nx: \(String(repeating: "a", count: 20_000))\r\n\r\n",
        "GET /healthz HTTP/1.1\r\n" + (0..<200).map { "x\($0): 1\r\n" }.joined() + "\r\n",
        "GET /\(String(repeating: "a", count: 200_000)) HTTP/1.1\r\n\r\n",
        "GET /healthz HTTP/1.1\r\n bad: folding\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      ] {
        let response = try await onThread { [server] in
          let connection = try RawConnection(port: server.port)
          try connection.send(text)
          return try connection.response()
        }
        #expect(
          response.map { (400..<500).contains($0.status) } != false, "\(text.prefix(60)): \(response?.status ?? 0)")
      }
      try await expectGood(server)
      try await server.stop()
    }

    @Test func slowClientsAreCutOff() async throws {
      let server = try await server {
        $0.headTimeout = .milliseconds(600)
        $0.bodyTimeout = .milliseconds(600)
      }
      /// Sends a byte now and then, so that the connection is never idle; seconds until it is closed.
      func trickle(_ beginning: String) async throws -> Double {
        try await onThread { [server] in
          let connection = try RawConnection(port: server.port)
          let start = ContinuousClock.now
          try connection.send(beginning)
          let isOver = Flag()
          Thread.detachNewThread {
            while !isOver.isSet {
              try? connection.send("a")
              Thread.sleep(forTimeInterval: 0.05)
            }
          }
          _ = try connection.isClosed()
          isOver.set()
          return (ContinuousClock.now - start) / .seconds(1)
        }
      }
      for beginning in [
        "GET /", "GET /healthz HTTP/1.1\r\nx: ", "POST /v1/predict HTTP/1.1\r\nhost: a\r\ncontent-length: 9999\r\n\r\n",
      ] {
        let seconds = try await trickle(beginning)
        #expect((0.5..<5).contains(seconds), "\(beginning): \(seconds) s")
      }
      try await expectGood(server)
      try await server.stop()
    }

    @Test func idleConnectionsGiveWay() async throws {
      let server = try await server { $0.connectionLimit = 8 }
      let idle = try await onThread { [server] in
        let connections = try (0..<40).map { _ in try RawConnection(port: server.port) }
        Thread.sleep(forTimeInterval: 0.3)
        return connections
      }
      #expect(server.server.openConnections <= 8)
      try await expectGood(server)
      _ = idle.count
      try await server.stop()
    }

    @Test func slowBodiesGiveWay() async throws {
      let server = try await server { $0.connectionLimit = 8 }
      let slow = try await onThread { [server] in
        let connections = try (0..<20).map { _ in try RawConnection(port: server.port) }
        for connection in connections {
          try connection.send("POST /v1/predict HTTP/1.1\r\nhost: a\r\ncontent-length: 9999\r\n\r\n{")
          Thread.sleep(forTimeInterval: 0.02)
        }
        Thread.sleep(forTimeInterval: 0.2)
        return connections
      }
      #expect(server.server.openConnections <= 8)
      for _ in 0..<3 { try await expectGood(server) }
      _ = slow.count
      try await server.stop()
    }

    @Test func requestsMayFollowOneAnotherOnAConnection() async throws {
      let server = try await server()
      let statuses = try await onThread { [server] in
        let connection = try RawConnection(port: server.port)
        let request = RawConnection.request(
          "POST", "/v1/predict", headers: ["content-type": "application/json"], body: Array(#"{"text":"a"}"#.utf8))
        try connection.send(request + request + RawConnection.request("GET", "/nowhere") + request)
        return try (0..<4).map { _ in try connection.response()?.status }
      }
      #expect(statuses == [200, 200, 404, 200])
      try await server.stop()
    }

    // MARK: Keys

    @Test func keysAreAskedForWhereThereAreSome() async throws {
      let key = "0123456789abcdef"
      let keys = try APIKeys("# ours\n\n  \(key)  \nanother-key-of-length\n", source: "keys")
      let server = try await server { $0.keys = keys }
      func status(_ headers: [String: String], path: String = "/v1/predict") async throws -> Int {
        try await server.sendJSON(path, #"{"text":"a"}"#, headers: headers).status
      }
      #expect(try await status(["authorization": "Bearer \(key)"]) == 200)
      #expect(try await status(["Authorization": "bearer another-key-of-length"]) == 200)
      #expect(try await status(["x-api-key": key]) == 200)
      #expect(try await status(["x-goog-api-key": key]) == 200)
      let login = Data("anybody:\(key)".utf8).base64EncodedString()
      #expect(try await status(["authorization": "Basic \(login)"]) == 200)
      #expect(try await status([:], path: "/v1/predict?key=\(key)") == 200)
      for headers in [
        [:], ["authorization": "Bearer 0123456789abcdeF"], ["authorization": "Basic \(key)"], ["authorization": key],
        ["x-api-key": ""], ["x-api-key": "# ours"], ["authorization": "Bearer wrong", "x-api-key": key],
      ] {
        #expect(try await status(headers) == 401, "\(headers)")
      }
      let refused = try await server.send("GET", "/metrics")
      #expect(refused.status == 401 && refused.headers["www-authenticate"]?.hasPrefix("Bearer") == true)
      for path in ["/healthz", "/readyz", "/openapi.json"] { #expect(try await server.send("GET", path).status == 200) }
      #expect(!server.log.lines.contains { $0.contains(key) })
      try await server.stop()
    }

    @Test(arguments: [("", "no key"), ("\n# only a comment\n", "no key"), ("long-enough-for-a-key\nshort", "key 2")])
    func unusableKeysAreNamed(text: String, reason: String) {
      #expect { try APIKeys(text, source: "keys.txt") } throws: {
        "\($0)".contains(reason) && "\($0)".hasPrefix("keys.txt") && !"\($0)".contains("short,")
      }
    }

    // MARK: Draining and exchanging

    @Test func drainingAnswersWhatWasBegun() async throws {
      let server = try await server()
      let body = Array(#"{"text":"begun before the end"}"#.utf8)
      let request = RawConnection.request(
        "POST", "/v1/predict", headers: ["content-type": "application/json"], body: body)
      let begun = try await onThread { [server] in
        let connection = try RawConnection(port: server.port)
        try connection.send(Array(request.dropLast(5)))
        Thread.sleep(forTimeInterval: 0.3)
        return connection
      }
      await server.beginStop()
      try await Task.sleep(for: .milliseconds(300))
      let port = server.port
      await #expect(throws: RawConnection.Failure.self) { try await onThread { _ = try RawConnection(port: port) } }
      let answer = try await onThread {
        try begun.send(Array(request.suffix(5)))
        return (try begun.response()?.status, try begun.isClosed())
      }
      #expect(answer == (200, true))
      try await server.stop()
      #expect(server.log.lines.contains { $0.contains("draining") })
    }

    @Test func exchangingTheModelLosesNothing() async throws {
      let server = try await server()
      let text = #"{"text":"which model says this"}"#
      let isDone = Flag()
      func version(_ response: RawResponse) throws -> String {
        try #require(try response.object()["version"] as? String)
      }
      let first = try version(try await server.sendJSON("/v1/predict", text))
      let clients = (0..<4).map { _ in
        Task {
          var seen: [RawResponse] = []
          while !isDone.isSet { seen.append(try await server.sendJSON("/v1/predict", text)) }
          return seen
        }
      }
      for seed: UInt64 in 2...4 {
        try await onThread { [folder] in try TinyRun.write(to: folder.url, seed: seed) }
        try await server.server.reload()
      }
      let last = try version(try await server.sendJSON("/v1/predict", text))
      isDone.set()
      var scores: [String: Set<String>] = [:]
      for client in clients {
        for response in try await client.value {
          #expect(response.status == 200)
          let predictions = try #require(try response.object()["predictions"] as? [[String: Any]])
          let value = try #require((predictions[0]["probabilities"] as? [String: Double])?["harmful"])
          scores[try version(response), default: []].insert(String(format: "%.2f", value))
        }
      }
      #expect(first != last && scores.keys.contains(first), "\(scores)")
      #expect(scores.values.allSatisfy { $0.count == 1 }, "a version always says the same: \(scores)")
      try await server.stop()
    }

    @Test func aChangedCalibrationIsAnotherVersion() async throws {
      let server = try await server()
      let before = try await server.send("GET", "/readyz").object()["version"] as? String
      try Data("{}".utf8).write(to: folder.url.appending(path: "calibration.json"))
      try await server.server.reload()
      #expect(try await server.send("GET", "/readyz").object()["version"] as? String != before)
      try await server.stop()
    }

    @Test func aBrokenModelLeavesTheOldOne() async throws {
      let server = try await server()
      let before = try await server.send("GET", "/readyz").object()["version"] as? String
      try Data("{}".utf8).write(to: folder.url.appending(path: "model.json"))
      await #expect(throws: (any Error).self) { try await server.server.reload() }
      #expect(try await server.send("GET", "/readyz").object()["version"] as? String == before)
      try await expectGood(server)
      let metrics = String(decoding: try await server.send("GET", "/metrics").body, as: UTF8.self)
      #expect(metrics.contains("memesense_model_reloads_total{result=\"failed\"} 1"))
      try await server.stop()
    }

    @Test func aTakenPortIsToldOf() async throws {
      let server = try await server()
      var settings = ServerSettings()
      settings.port = server.port
      let second = try MemeServer(run: folder.url, settings: settings, logger: .init(label: "test")) { _ in }
      await #expect { try await second.run() } throws: { "\($0)".contains("choose another --port") }
      try await server.stop()
    }
  }
}
