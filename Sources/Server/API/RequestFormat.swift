import Foundation
import MemeData
import Training

/// A meme as a request brings it.
struct MemeInput: Sendable, Equatable {
  /// What the answer calls it.
  var id: String
  /// The picture's file.
  var picture: Data?
  var text: String?
  /// What errors call the picture.
  var field: String
  /// Whether a model that was trained so reads a text that is missing off the picture.
  var readsText = true

  /// Refuses what has neither modality, and texts that are too long to read.
  func check(_ limits: RequestLimits) throws(APIError) {
    guard picture != nil || text?.isEmpty == false else {
      throw .invalid("a meme needs an image or a text, or both; '\(field)' has neither", parameter: field)
    }
    guard (text?.utf8.count ?? 0) <= limits.textBytes else { throw Self.tooLongText(limits, field: field) }
  }

  static func tooLongText(_ limits: RequestLimits, field: String) -> APIError {
    .tooLarge("a text has more than \(limits.textBytes) bytes", parameter: field)
  }
}

/// What one request may ask for.
struct RequestLimits: Sendable, Equatable {
  var memes: Int
  var textBytes: Int
}

/// What requests and answers need to know of the model.
struct ModelFacts: Sendable {
  /// The run's name.
  var name: String
  /// Differs whenever the model does.
  var version: String
  var tasks: [LabelTask]
  var categories: CategoryMapping
}

/// The body of a request with its content type.
struct RequestBodyContent: Sendable {
  var bytes: [UInt8]
  var contentType: String?
}

/// A request that was understood: what is asked, and how the answer is written.
struct UnderstoodRequest: Sendable {
  var memes: [MemeInput]
  /// The answer's body, given one prediction a meme.
  var answer: @Sendable ([Prediction]) -> any Encodable & Sendable
}

/// A shape of requests and answers.
protocol RequestFormat: Sendable {
  static var errorStyle: ErrorStyle { get }

  /// - Throws: ``APIError`` that says what is wrong with the request.
  static func understand(
    _ body: RequestBodyContent, for model: ModelFacts, limits: RequestLimits
  ) throws(APIError) -> UnderstoodRequest
}

extension RequestBodyContent {
  /// The media type with its parameters.
  var mediaType: HeaderValue {
    get throws(APIError) {
      do throws(FormatError) {
        return try HeaderValue(contentType ?? "")
      } catch {
        throw .invalid("the header content-type: \(error)", parameter: "content-type")
      }
    }
  }

  /// Decodes a body of JSON.
  ///
  /// - Parameter limits: what types that know ``Swift/Decoder/requestLimits`` stop at.
  func decoded<Value: Decodable>(as type: Value.Type, limits: RequestLimits) throws(APIError) -> Value {
    guard try mediaType.value == "application/json" else {
      throw Self.unsupported(contentType, expected: "application/json")
    }
    let decoder = JSONDecoder()
    decoder.userInfo[.requestLimits] = limits
    do {
      return try decoder.decode(type, from: Data(bytes))
    } catch let error as APIError {
      throw error
    } catch let error as DecodingError {
      throw APIError(decoding: error)
    } catch {
      throw .invalid("the body is no JSON", code: "invalid_json")
    }
  }

  static func unsupported(_ contentType: String?, expected: String) -> APIError {
    APIError(
      status: .unsupportedMediaType, code: "unsupported_media_type",
      message: "the content-type is \(contentType == nil ? "missing" : "another one"); expected \(expected)",
      parameter: "content-type")
  }
}

extension APIError {
  /// Says where in a JSON body what was expected. Nothing of the body's content is repeated.
  init(decoding error: DecodingError) {
    func place(_ context: DecodingError.Context, _ last: (any CodingKey)? = nil) -> String {
      (context.codingPath + (last.map { [$0] } ?? [])).reduce(into: "") { path, key in
        path += key.intValue.map { "[\($0)]" } ?? (path.isEmpty ? key.stringValue : ".\(key.stringValue)")
      }
    }
    switch error {
    case .keyNotFound(let key, let context):
      self = .invalid("'\(place(context, key))' is missing", parameter: place(context, key))
    case .typeMismatch(_, let context), .valueNotFound(_, let context):
      let place = place(context)
      self = .invalid(
        "\(place.isEmpty ? "the body" : "'\(place)'") has another type than expected: \(context.debugDescription)",
        parameter: place.isEmpty ? nil : place)
    case .dataCorrupted(let context):
      let place = place(context)
      self =
        place.isEmpty
        ? .invalid("the body is no JSON (RFC 8259)", code: "invalid_json")
        : .invalid("'\(place)': \(context.debugDescription)", parameter: place)
    @unknown default: self = .invalid("the body is no JSON", code: "invalid_json")
    }
  }
}

/// A key of any name, to find those that nobody knows.
struct AnyKey: CodingKey {
  var stringValue: String
  var intValue: Int? { nil }
  init(stringValue: String) { self.stringValue = stringValue }
  init?(intValue: Int) { nil }
}

extension CodingUserInfoKey {
  fileprivate static let requestLimits = CodingUserInfoKey(rawValue: "requestLimits")!
}

extension Decoder {
  /// What the request may ask for. Lists are held to it while they are decoded: millions of elements that would be refused
  /// after it would take seconds and gigabytes.
  var requestLimits: RequestLimits {
    guard let limits = userInfo[.requestLimits] as? RequestLimits else {
      preconditionFailure("bodies are decoded by RequestBodyContent.decoded(as:limits:)")
    }
    return limits
  }

  /// Refuses members of an object that are not known: a mistyped name would otherwise be a missing picture or text.
  func refuseUnknownKeys(_ known: [String]) throws {
    let container = try container(keyedBy: AnyKey.self)
    if let unknown = container.allKeys.first(where: { !known.contains($0.stringValue) }) {
      throw DecodingError.dataCorruptedError(
        forKey: unknown, in: container, debugDescription: "not known; expected \(known.joined(separator: ", "))")
    }
  }
}
