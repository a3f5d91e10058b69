import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOHTTP1
import Training

extension Response {
  static func json(
    _ value: some Encodable, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]
  ) throws -> Response {
    bytes(try JSON.line(value), type: "application/json", status: status, headers: headers)
  }

  static func bytes(
    _ data: Data, type: String, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]
  ) -> Response {
    var headers = headers
    headers[.contentType] = type
    headers[.cacheControl] = "no-store"
    headers[.xContentTypeOptions] = "nosniff"
    return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: data)))
  }

  static func error(_ error: APIError, style: ErrorStyle) throws -> Response {
    var headers = HTTPFields()
    if let seconds = error.retryAfter { headers[.retryAfter] = "\(seconds)" }
    if !error.allowed.isEmpty { headers[.allow] = error.allowed.map(\.rawValue).joined(separator: ", ") }
    if error.status == .unauthorized { headers[.wwwAuthenticate] = "Bearer, Basic realm=\"MemeSense\"" }
    if error.closesConnection { headers[.connection] = "close" }
    return try json(style.body(of: error), status: error.status, headers: headers)
  }
}

/// Turns errors into answers, and counts, times and logs every request. Nothing of what clients send is logged: no path that
/// is not known, no query, no text, no address.
struct RequestRecorder: RouterMiddleware {
  let metrics: ServerMetrics
  /// The methods of a path that is known.
  let methods: @Sendable (_ path: String) -> [HTTPRequest.Method]

  func handle(
    _ request: Request, context: ServerContext, next: (Request, ServerContext) async throws -> Response
  ) async throws -> Response {
    let start = ContinuousClock.now
    let response: Response
    var code: String?
    do {
      response = try await next(request, context)
    } catch let error as HTTPParserError {
      throw error  // Hummingbird answers and closes the connection
    } catch {
      let told = told(error, of: request, context)
      code = told.code
      response = try .error(told, style: request.uri.path.hasPrefix("/v1alpha1/") ? .google : .openAI)
    }
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    let route = context.endpointPath ?? "unknown"
    // Clients may send any method; the series must stay few.
    let method =
      [.get, .head, .post, .put, .delete, .patch, .options].contains(request.method)
      ? request.method.rawValue : "other"
    metrics.requests.add(1, route, method, "\(response.status.code)")
    metrics.requestSeconds.observe(seconds, route)
    var metadata: Logger.Metadata = [
      "route": "\(route)", "method": "\(method)", "status": .stringConvertible(response.status.code),
      "milliseconds": .stringConvertible((seconds * 10_000).rounded() / 10),
      "bytes": .stringConvertible(context.notes.bytes), "memes": .stringConvertible(context.notes.memes),
    ]
    if let code { metadata["error_code"] = "\(code)" }
    context.logger.info("request", metadata: metadata)
    return response
  }

  private func told(_ error: any Error, of request: Request, _ context: ServerContext) -> APIError {
    if let error = error as? HTTPError, error.status == .notFound {
      let allowed = methods(request.uri.path)
      guard allowed.isEmpty else {
        return APIError(
          status: .methodNotAllowed, code: "method_not_allowed",
          message: "this path knows \(allowed.map(\.rawValue).joined(separator: ", ")) alone", allowed: allowed)
      }
      return APIError(status: .notFound, code: "not_found", message: "there is no such path; see /openapi.json")
    }
    let told = APIError(error)
    // Such an error is a fault of ours, and what it says is about our own files.
    if told.status == .internalServerError { context.logger.error("fault", metadata: ["reason": "\(error)"]) }
    return told
  }
}

extension HTTPField.Name {
  static let apiKey = Self("X-API-Key")!
  static let googleAPIKey = Self("X-Goog-Api-Key")!
}

/// Lets in who shows a key, where there are keys.
struct KeyCheck: RouterMiddleware {
  let keys: APIKeys?

  func handle(
    _ request: Request, context: ServerContext, next: (Request, ServerContext) async throws -> Response
  ) async throws -> Response {
    guard keys?.contains(shownKey(request) ?? "") != false else {
      throw APIError(
        status: .unauthorized, code: "invalid_api_key",
        message:
          "a known API key is needed: 'authorization: Bearer KEY' or 'x-api-key: KEY', or in a browser as password")
    }
    return try await next(request, context)
  }

  /// Where OpenAI's and Perspective's clients put it.
  private func shownKey(_ request: Request) -> String? {
    if let authorization = request.headers[.authorization] {
      let parts = authorization.split(separator: " ", maxSplits: 1)
      guard parts.count == 2 else { return nil }
      let shown = parts[1].trimmingCharacters(in: .whitespaces)
      switch parts[0].lowercased() {
      case "bearer": return shown
      // Browsers ask for a name too, which may be any.
      case "basic":
        let pair = Data(base64Encoded: shown).map { String(decoding: $0, as: UTF8.self) } ?? ""
        return pair.firstIndex(of: ":").map { String(pair[pair.index(after: $0)...]) }
      default: return nil
      }
    }
    return request.headers[.apiKey] ?? request.headers[.googleAPIKey]
      ?? request.uri.queryParameters["key"].map(String.init)
  }
}
