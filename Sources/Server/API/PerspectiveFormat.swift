import Training

/// `POST /v1alpha1/comments:analyze` in the shape of Perspective's method of that name. It is about texts alone.
enum PerspectiveFormat: RequestFormat {
  static let errorStyle = ErrorStyle.google

  private struct Body: Decodable {
    struct Comment: Decodable {
      var text: String
      var type: String?
    }

    struct Attribute: Decodable {
      var scoreType: String?
      var scoreThreshold: Double?
    }

    var comment: Comment
    var requestedAttributes: [String: Attribute]
    var languages: [String]?
    var clientToken: String?
  }

  static func understand(
    _ body: RequestBodyContent, for model: ModelFacts, limits: RequestLimits
  ) throws(APIError) -> UnderstoodRequest {
    let request = try body.decoded(as: Body.self, limits: limits)
    let mapping = model.categories.perspective
    guard !request.requestedAttributes.isEmpty else {
      throw .invalid("'requestedAttributes' is empty", parameter: "requestedAttributes")
    }
    let scored = model.categories.fed.perspective
    for (name, attribute) in request.requestedAttributes {
      guard scored.contains(name) else {
        throw .invalid(
          "an attribute is asked for that this model does not score; it scores "
            + (scored.isEmpty ? "none" : scored.joined(separator: ", ")), parameter: "requestedAttributes")
      }
      guard [nil, "PROBABILITY"].contains(attribute.scoreType) else {
        throw .invalid("the only scoreType is PROBABILITY", parameter: "requestedAttributes.\(name).scoreType")
      }
    }
    guard [nil, "PLAIN_TEXT", "TEXT_TYPE_UNSPECIFIED"].contains(request.comment.type) else {
      throw .invalid("the only type of a comment is PLAIN_TEXT", parameter: "comment.type")
    }
    let text = request.comment.text
    let meme = MemeInput(id: "comment", picture: nil, text: text.nonEmpty, field: "comment.text")
    try meme.check(limits)
    return UnderstoodRequest(memes: [meme]) { predictions in
      var answer = Answer(
        languages: request.languages ?? [], clientToken: request.clientToken, attributeScores: [:])
      for (name, attribute) in request.requestedAttributes {
        let value = predictions[0].score(of: mapping[name] ?? [], tasks: model.tasks)
        guard value >= attribute.scoreThreshold ?? 0 else { continue }
        let score = Answer.Score(value: value)
        answer.attributeScores[name] = .init(
          spanScores: [.init(begin: 0, end: text.unicodeScalars.count, score: score)], summaryScore: score)
      }
      return answer
    }
  }

  private struct Answer: Encodable {
    struct Score: Encodable {
      var value: Double
      var type = "PROBABILITY"
    }

    struct SpanScore: Encodable {
      /// In Unicode scalars.
      var begin: Int
      var end: Int
      var score: Score
    }

    struct Attribute: Encodable {
      /// The whole comment alone.
      var spanScores: [SpanScore]
      var summaryScore: Score
    }

    /// As the request names them: the model does not tell languages.
    var languages: [String]
    var clientToken: String?
    var attributeScores: [String: Attribute]
  }
}
