import Foundation
import Training

/// `POST /v1/moderations` in the shape of OpenAI's endpoint of that name.
///
/// `input` is a text, a list of texts (a result each), or a list of parts `text` and `image_url` that make one meme together.
enum ModerationsFormat: RequestFormat {
  static let errorStyle = ErrorStyle.openAI

  private struct Body: Decodable {
    var input: Input
    var model: String?
  }

  private enum Input: Decodable {
    case texts([String])
    case parts([Part])

    init(from decoder: any Decoder) throws {
      let single = try decoder.singleValueContainer()
      if let text = try? single.decode(String.self) {
        self = .texts([text])
        return
      }
      var list: any UnkeyedDecodingContainer
      do {
        list = try decoder.unkeyedContainer()
      } catch {
        throw DecodingError.dataCorrupted(
          .init(
            codingPath: decoder.codingPath, debugDescription: "expected a text, a list of texts, or a list of parts"))
      }
      // A list is of one kind; its first element says which.
      let limits = decoder.requestLimits
      if let first = try? list.decode(String.self) {
        var texts = [first]
        while !list.isAtEnd {
          guard texts.count < limits.memes else {
            throw ModerationsFormat.tooMany(list.count ?? texts.count + 1, limits)
          }
          texts.append(try list.decode(String.self))
        }
        self = .texts(texts)
      } else {
        var parts: [Part] = []
        list = try decoder.unkeyedContainer()
        while !list.isAtEnd {
          // All but one of them are texts: those of more parts would be too long by the line breaks between them alone.
          guard parts.count < limits.textBytes + 2 else { throw MemeInput.tooLongText(limits, field: "input") }
          parts.append(try list.decode(Part.self))
        }
        self = .parts(parts)
      }
    }
  }

  private enum Part: Decodable {
    case text(String)
    case image(url: String)

    enum CodingKeys: String, CodingKey {
      case type, text
      case image = "image_url"
    }

    struct Image: Decodable {
      var url: String
    }

    init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: CodingKeys.self)
      switch try container.decode(String.self, forKey: .type) {
      case "text": self = .text(try container.decode(String.self, forKey: .text))
      case "image_url": self = .image(url: try container.decode(Image.self, forKey: .image).url)
      default:
        throw DecodingError.dataCorruptedError(
          forKey: .type, in: container, debugDescription: "expected text or image_url")
      }
    }
  }

  static func understand(
    _ body: RequestBodyContent, for model: ModelFacts, limits: RequestLimits
  ) throws(APIError) -> UnderstoodRequest {
    let request = try body.decoded(as: Body.self, limits: limits)
    let memes: [MemeInput]
    switch request.input {
    case .texts(let texts):
      guard !texts.isEmpty else { throw .invalid("'input' is empty", parameter: "input") }
      guard texts.count <= limits.memes else { throw tooMany(texts.count, limits) }
      memes = texts.enumerated().map { MemeInput(id: "\($0)", picture: nil, text: $1.nonEmpty, field: "input") }
    case .parts(let parts): memes = [try meme(of: parts)]
    }
    for meme in memes { try meme.check(limits) }
    let types = memes.map { meme in
      (meme.text == nil ? [] : ["text"]) + (meme.picture == nil ? [] : ["image"])
    }
    return UnderstoodRequest(memes: memes) { predictions in
      Answer(
        id: "modr-\(UUID().uuidString.lowercased())", model: "\(model.name)@\(model.version)",
        results: zip(predictions, types).map { Result($0, model: model, inputTypes: $1) })
    }
  }

  private static func tooMany(_ count: Int, _ limits: RequestLimits) -> APIError {
    .tooLarge("\(count) texts; one request may bring \(limits.memes)", parameter: "input")
  }

  private static func meme(of parts: [Part]) throws(APIError) -> MemeInput {
    var texts: [String] = []
    var picture: Data?
    for (index, part) in parts.enumerated() {
      switch part {
      case .text(let text): texts.append(text)
      case .image(let url):
        guard picture == nil else {
          throw .invalid("one request is about one image; send several requests", parameter: "input[\(index)]")
        }
        picture = try EncodedPicture.data(ofURL: url, field: "input[\(index)].image_url.url")
      }
    }
    return MemeInput(id: "0", picture: picture, text: texts.joined(separator: "\n").nonEmpty, field: "input")
  }

  // MARK: Answers

  private struct Answer: Encodable {
    var id: String
    var model: String
    var results: [Result]
  }

  private struct Result: Encodable {
    var flagged: Bool
    var categories: [String: Bool]
    var scores: [String: Double]
    var inputTypes: [String: [String]]

    enum CodingKeys: String, CodingKey {
      case flagged, categories
      case scores = "category_scores"
      case inputTypes = "category_applied_input_types"
    }

    /// Every category of theirs, those that no label feeds at zero and applied to nothing.
    init(_ prediction: Prediction, model: ModelFacts, inputTypes types: [String]) {
      scores = [:]
      inputTypes = [:]
      for category in CategoryMapping.moderationCategories {
        let sources = model.categories.moderations[category] ?? []
        scores[category] = prediction.score(of: sources, tasks: model.tasks)
        inputTypes[category] = sources.isEmpty ? [] : types
      }
      categories = scores.mapValues { $0 > 0.5 }
      flagged = categories.values.contains(true)
    }
  }
}
