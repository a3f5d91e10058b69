import Encoders
import HTTPTypes
import MemeData

/// Why a request gets no prediction, as clients are told.
struct APIError: Error, Equatable {
  var status: HTTPResponse.Status
  /// For programs, such as `queue_full`.
  var code: String
  var message: String
  /// The part of the request that is to blame.
  var parameter: String?
  /// Seconds after which to try again.
  var retryAfter: Int?
  /// The methods that the path knows, for 405.
  var allowed: [HTTPRequest.Method] = []
  /// Whether what is still to come of the request is not worth reading.
  var closesConnection = false

  static func invalid(
    _ message: String, parameter: String? = nil, code: String = "invalid_request"
  ) -> APIError {
    APIError(status: .badRequest, code: code, message: message, parameter: parameter)
  }

  static func tooLarge(_ message: String, parameter: String? = nil) -> APIError {
    APIError(status: .contentTooLarge, code: "too_large", message: message, parameter: parameter)
  }

  static func full(_ what: String, retryAfter: Int) -> APIError {
    APIError(
      status: .serviceUnavailable, code: "queue_full", message: "\(what); try again in \(retryAfter) s",
      retryAfter: retryAfter)
  }

  /// What is told of an error of the program's own layers; nothing of an unexpected one.
  init(_ error: any Error, parameter: String? = nil) {
    switch error {
    case let error as APIError: self = error
    case let error as FormatError: self = .invalid(error.description, parameter: parameter)
    case let error as ImageError: self.init(error, parameter: parameter)
    // Without the server's path of the file.
    case EncoderError.noRegionsOfPicture:
      self = .invalid(
        "the detector whose regions the model reads has not seen this picture", parameter: parameter,
        code: "unknown_picture")
    default:
      self.init(status: .internalServerError, code: "internal", message: "a fault of the server; its log says more")
    }
  }

  private init(_ error: ImageError, parameter: String?) {
    switch error {
    case .tooManyBytes, .tooManyPixels: self = .tooLarge(error.description, parameter: parameter)
    case .libraryUnavailable, .unencodable, .unresizable:
      self.init(status: .internalServerError, code: "internal", message: error.description)
    case .unreadable, .empty, .refusedFormat, .unknownFormat, .undecodable:
      self = .invalid(error.description, parameter: parameter, code: "invalid_image")
    }
  }

  init(
    status: HTTPResponse.Status, code: String, message: String, parameter: String? = nil, retryAfter: Int? = nil,
    allowed: [HTTPRequest.Method] = []
  ) {
    self.status = status
    self.code = code
    self.message = message
    self.parameter = parameter
    self.retryAfter = retryAfter
    self.allowed = allowed
  }
}

/// Whose shape of errors clients of a path expect.
enum ErrorStyle {
  case openAI
  case google

  private struct OpenAIBody: Encodable {
    struct Content: Encodable {
      var message: String
      var type: String
      var param: String?
      var code: String

      enum CodingKeys: CodingKey { case message, type, param, code }

      func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(message, forKey: .message)
        try container.encode(type, forKey: .type)
        try container.encode(param, forKey: .param)  // null where there is none, as OpenAI has it
        try container.encode(code, forKey: .code)
      }
    }
    var error: Content
  }

  private struct GoogleBody: Encodable {
    struct Content: Encodable {
      var code: Int
      var message: String
      var status: String
    }
    var error: Content
  }

  /// The body that tells of an error.
  func body(of error: APIError) -> any Encodable {
    switch self {
    case .openAI:
      OpenAIBody(
        error: .init(
          message: error.message, type: error.openAIType, param: error.parameter, code: error.code))
    case .google:
      GoogleBody(error: .init(code: error.status.code, message: error.message, status: error.googleStatus))
    }
  }
}

extension APIError {
  fileprivate var openAIType: String {
    switch status {
    case .unauthorized: "authentication_error"
    case _ where status.code >= 500: "server_error"
    default: "invalid_request_error"
    }
  }

  /// Of google.rpc.Code.
  fileprivate var googleStatus: String {
    switch status {
    case .unauthorized: "UNAUTHENTICATED"
    case .notFound: "NOT_FOUND"
    case .methodNotAllowed: "UNIMPLEMENTED"
    case .serviceUnavailable: "UNAVAILABLE"
    case .gatewayTimeout: "DEADLINE_EXCEEDED"
    case .internalServerError: "INTERNAL"
    default: "INVALID_ARGUMENT"
    }
  }
}
