import Foundation
import Training

/// `POST /v1/predict`: MemeSense's own shape, as `multipart/form-data` or JSON.
enum PredictFormat: RequestFormat {
  static let errorStyle = ErrorStyle.openAI

  /// What is answered: the same objects as `memesense predict` prints.
  struct Answer: Encodable {
    var model: String
    var version: String
    var predictions: [Prediction]
  }

  static func understand(
    _ body: RequestBodyContent, for model: ModelFacts, limits: RequestLimits
  ) throws(APIError) -> UnderstoodRequest {
    let type = try body.mediaType
    let memes: [MemeInput]
    switch type.value {
    case "application/json": memes = try jsonMemes(body, limits)
    case "multipart/form-data": memes = try formMemes(body, boundary: type.parameters["boundary"], limits)
    default:
      throw RequestBodyContent.unsupported(
        body.contentType, expected: "multipart/form-data with the fields image and text, or application/json")
    }
    guard !memes.isEmpty else { throw .invalid("there are no memes") }
    guard memes.count <= limits.memes else { throw tooMany(memes.count, limits) }
    for meme in memes { try meme.check(limits) }
    return UnderstoodRequest(memes: memes) { predictions in
      Answer(model: model.name, version: model.version, predictions: predictions)
    }
  }

  private static func tooMany(_ count: Int, _ limits: RequestLimits) -> APIError {
    .tooLarge("\(count) memes; one request may bring \(limits.memes)")
  }

  // MARK: JSON

  private struct JSONMeme: Decodable {
    var id: String?
    var image: String?
    var text: String?

    enum CodingKeys: String, CodingKey, CaseIterable { case id, image, text }

    init(from decoder: any Decoder) throws {
      try decoder.refuseUnknownKeys(CodingKeys.allCases.map(\.rawValue))
      let container = try decoder.container(keyedBy: CodingKeys.self)
      id = try container.decodeIfPresent(String.self, forKey: .id)
      image = try container.decodeIfPresent(String.self, forKey: .image)
      text = try container.decodeIfPresent(String.self, forKey: .text)
    }
  }

  /// One meme, or several under `memes`.
  private struct JSONBody: Decodable {
    var memes: [JSONMeme] = []
    var isList: Bool

    enum CodingKeys: CodingKey { case memes }

    init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: CodingKeys.self)
      isList = container.contains(.memes)
      guard isList else {
        memes = [try JSONMeme(from: decoder)]
        return
      }
      try decoder.refuseUnknownKeys(["memes"])
      let limits = decoder.requestLimits
      var list = try container.nestedUnkeyedContainer(forKey: .memes)
      while !list.isAtEnd {
        guard memes.count < limits.memes else {
          throw PredictFormat.tooMany(list.count ?? memes.count + 1, limits)
        }
        memes.append(try list.decode(JSONMeme.self))
      }
    }
  }

  private static func jsonMemes(
    _ body: RequestBodyContent, _ limits: RequestLimits
  ) throws(APIError) -> [MemeInput] {
    let decoded = try body.decoded(as: JSONBody.self, limits: limits)
    var memes: [MemeInput] = []
    for (index, meme) in decoded.memes.enumerated() {
      let field = decoded.isList ? "memes[\(index)].image" : "image"
      var picture: Data?
      if let image = meme.image { picture = try EncodedPicture.data(image, field: field) }
      memes.append(
        MemeInput(id: meme.id ?? "meme-\(index + 1)", picture: picture, text: meme.text?.nonEmpty, field: field))
    }
    return memes
  }

  // MARK: Forms

  /// Pictures and texts belong together in their order, as on the command line.
  private static func formMemes(
    _ body: RequestBodyContent, boundary: String?, _ limits: RequestLimits
  ) throws(APIError) -> [MemeInput] {
    guard let boundary else {
      throw .invalid("the content-type names no boundary", parameter: "content-type", code: "invalid_multipart")
    }
    let fields: [FormField]
    do throws(FormatError) {
      fields = try MultipartParser.fields(of: body.bytes, boundary: boundary, maximumCount: 2 * limits.memes)
    } catch {
      throw .invalid("the multipart body: \(error)", code: "invalid_multipart")
    }
    if let unknown = fields.first(where: { !["image", "text"].contains($0.name) }) {
      throw .invalid("a field '\(unknown.name)' is not known; expected image and text", parameter: unknown.name)
    }
    let images = fields.filter { $0.name == "image" }
    var texts: [String] = []
    for field in fields where field.name == "text" {
      guard let text = String(validating: field.content, as: UTF8.self) else {
        throw .invalid("a text is not valid UTF-8", parameter: "text")
      }
      texts.append(text)
    }
    guard images.isEmpty || texts.isEmpty || images.count == texts.count else {
      throw .invalid("\(texts.count) texts for \(images.count) images: send none, or one for each", parameter: "text")
    }
    return (0..<max(images.count, texts.count)).map { index in
      let content = index < images.count ? images[index].content : []
      return MemeInput(
        id: "meme-\(index + 1)", picture: content.isEmpty ? nil : Data(content),
        text: index < texts.count ? texts[index].nonEmpty : nil, field: images.isEmpty ? "text" : "image")
    }
  }
}

extension String {
  /// An empty text is a missing one.
  var nonEmpty: String? { isEmpty ? nil : self }
}
