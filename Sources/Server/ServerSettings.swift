import Torch

/// How a service listens, and what it takes on.
public struct ServerSettings: Sendable {
  public var host = "127.0.0.1"
  /// 0 for one that is free.
  public var port = 8080
  /// Without keys everybody who reaches the port is answered.
  public var keys: APIKeys?

  /// Bytes of a request's body, and of a picture's file.
  public var bodyLimit = 20 << 20
  /// Bytes of all bodies that are read or worked on at once.
  public var bodyBudget = 512 << 20
  /// Pixels of a picture.
  public var pixelLimit = 40_000_000
  /// Bytes of a text; encoders read no more than a few hundred of its tokens.
  public var textLimit = 64 << 10
  /// Memes of one request.
  public var memesPerRequest = 32
  /// Memes that wait or are worked on; requests that bring more are sent away.
  public var queueLimit = 256
  /// Memes that are computed together.
  public var batchSize = 16
  /// Where the model computes.
  public var device = Device.cpu
  public var connectionLimit = 1024

  /// From a request's last byte to its answer.
  public var deadline = Duration.seconds(10)
  /// From opening a connection, or from the answer before, to the whole head of a request.
  public var headTimeout = Duration.seconds(30)
  /// From a request's head to its last byte.
  public var bodyTimeout = Duration.seconds(30)

  public init() {}

  /// Whether only this machine is answered.
  public var isLocal: Bool { ["127.0.0.1", "::1", "localhost"].contains(host) }

  var requestLimits: RequestLimits {
    RequestLimits(memes: min(memesPerRequest, queueLimit), textBytes: textLimit)
  }
}
