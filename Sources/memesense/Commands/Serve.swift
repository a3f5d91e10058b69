import ArgumentParser
import Foundation
import Logging
import Server

import enum Torch.Device

/// `memesense serve`: a trained run behind HTTP.
struct Serve: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Answer over HTTP with a trained run.",
    discussion: """
      Loads the model once and answers until it is stopped:
        memesense serve runs/first
        curl -F image=@meme.jpg -F text="the words on it" http://127.0.0.1:8080/v1/predict

      Paths:
        POST /v1/predict                   image and text, or either, one or many: multipart, or JSON with base64
        POST /v1/moderations               OpenAI's shape: openai.OpenAI(base_url="http://127.0.0.1:8080/v1", …)
        POST /v1alpha1/comments:analyze    Perspective's shape
        GET  /healthz /readyz /metrics /openapi.json

      No address in a request is ever fetched. Only this machine is answered, unless --host says otherwise; then give
      --api-keys FILE (one key a line, made with: openssl rand -hex 32) or MEMESENSE_API_KEYS, and put a proxy with TLS
      in front. Clients show a key as 'authorization: Bearer KEY'.

      SIGHUP loads the run's folder anew, without losing a request:
        kill -HUP PID
      SIGTERM stops accepting, answers what was begun, and ends. The log is JSON lines on standard error, without content.
      """)

  @Argument(help: ArgumentHelp("A run's folder.", valueName: "run"), completion: .directory)
  var runFolder: String

  @Option(help: "The address to listen on; 0.0.0.0 for all.")
  var host = ServerSettings().host

  @Option(help: "The port to listen on; 0 for one that is free.")
  var port = ServerSettings().port

  @Option(
    help: "A file of API keys, one a line. MEMESENSE_API_KEYS holds keys in the same form.", completion: .file())
  var apiKeys: String?

  @Option(help: ArgumentHelp("Memes that may wait or be worked on; more are sent away with 503.", valueName: "n"))
  var queue = ServerSettings().queueLimit

  @Option(help: ArgumentHelp("Memes that are computed together, at most.", valueName: "n"))
  var batch = ServerSettings().batchSize

  @Option(help: Device.help)
  var device: Device = .cpu

  @Option(help: ArgumentHelp("Seconds that an answer may take, before 504.", valueName: "seconds"))
  var deadline = 10.0

  @Option(help: ArgumentHelp("Bytes of a request, at most, before 413.", valueName: "bytes"))
  var bodyLimit = ServerSettings().bodyLimit

  @Option(help: ArgumentHelp("Pixels of a picture, at most, before 413.", valueName: "n"))
  var pixelLimit = ServerSettings().pixelLimit

  @Option(help: ArgumentHelp("Open connections, at most.", valueName: "n"))
  var connections = ServerSettings().connectionLimit

  @Flag(name: .shortAndLong, help: "Log warnings and errors alone.")
  var quiet = false

  func validate() throws {
    guard (0...65535).contains(port) else { throw ValidationError("--port is 0 to 65535, not \(port).") }
    for (name, value) in [
      ("queue", queue), ("batch", batch), ("body-limit", bodyLimit), ("pixel-limit", pixelLimit),
      ("connections", connections),
    ] where !(1...1 << 40).contains(value) {
      throw ValidationError("--\(name) is at least 1, not \(value).")
    }
    guard deadline > 0, deadline <= 3600 else {
      throw ValidationError("--deadline is above 0 and at most 3600 seconds, not \(deadline).")
    }
  }

  func run() throws {
    let logger = Logger(label: "memesense") { [quiet] _ in
      JSONLogHandler(level: quiet ? .warning : .info) { Console.tell(String(decoding: $0, as: UTF8.self)) }
    }
    var settings = ServerSettings()
    settings.host = host
    settings.port = port
    settings.keys = try keys()
    settings.queueLimit = queue
    settings.batchSize = batch
    settings.device = device
    settings.deadline = .milliseconds(Int((deadline * 1000).rounded(.up)))
    settings.bodyLimit = bodyLimit
    settings.pixelLimit = pixelLimit
    settings.connectionLimit = FileLimit.raise(for: connections)
    if settings.connectionLimit < connections {
      logger.warning(
        "fewer connections than asked for: the system lets this process open few files",
        metadata: ["connections": .stringConvertible(settings.connectionLimit)])
    }
    if settings.keys == nil, !settings.isLocal {
      logger.warning("everybody who reaches this port is answered: there are no API keys")
    }
    let server = try MemeServer(run: URL(fileURLWithPath: runFolder), settings: settings, logger: logger) {
      [host] port in
      logger.info("listening", metadata: ["url": "http://\(host):\(port)"])
    }
    ServerProcess.run { try await server.runUntilSignalled() }
  }

  private func keys() throws -> APIKeys? {
    if let apiKeys { return try APIKeys(String(contentsOfFile: apiKeys, encoding: .utf8), source: apiKeys) }
    return try ProcessInfo.processInfo.environment["MEMESENSE_API_KEYS"].map {
      try APIKeys($0, source: "MEMESENSE_API_KEYS")
    }
  }
}
