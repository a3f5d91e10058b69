import HTTPTypes
import Hummingbird

/// Lets in what the service's own pages send, and nothing that pages of others make a browser send.
///
/// Everything that changes something must say that it comes from here. Where only this machine is answered, requests under
/// other names are refused too: a name of somebody else's that is led to this machine would pass for the same origin.
struct SameOriginCheck: RouterMiddleware {
  /// Whether the service listens on the loopback alone.
  let isLocal: Bool

  func handle(
    _ request: Request, context: ServerContext, next: (Request, ServerContext) async throws -> Response
  ) async throws -> Response {
    guard let host = request.head.authority?.lowercased(), !isLocal || Self.isLoopback(host) else {
      throw APIError(
        status: .misdirectedRequest, code: "unknown_host",
        message: "this service answers under 127.0.0.1, localhost or [::1] alone")
    }
    if request.method != .get, request.method != .head, !isOwn(request, host: host) {
      throw APIError(
        status: .forbidden, code: "other_origin",
        message: "what changes something must come from a page of this service: its Origin must be http://\(host)")
    }
    return try await next(request, context)
  }

  private func isOwn(_ request: Request, host: String) -> Bool {
    if let origin = request.headers[.origin]?.lowercased() {
      return origin == "http://\(host)" || origin == "https://\(host)"
    }
    return request.headers[.fetchSite] == "same-origin"
  }

  static func isLoopback(_ authority: String) -> Bool {
    let name = authority.hasPrefix("[") ? authority.prefix { $0 != "]" } + "]" : authority.prefix { $0 != ":" }
    return ["127.0.0.1", "localhost", "[::1]"].contains(name)
  }
}
