import Foundation

/// Memes with what each method or modality made of them, browsed a page at a time.
///
/// The script makes the cards of one page when they are looked at, so that 10,000 memes open as fast as ten.
public struct Gallery: Sendable {
  /// The bytes that all pictures of a gallery may have, so that its page can be mailed; ``GalleryItem/jpeg`` of items
  /// beyond them is left out.
  public static let pictureBudget = 4_000_000

  /// Whose answers the memes have, in order: methods, or modalities. [A]
  public let answerers: [String]
  /// In the order they are shown.
  public let items: [GalleryItem]

  /// - Precondition: each item has an answer of each answerer.
  public init(answerers: [String], items: [GalleryItem]) {
    precondition(items.allSatisfy { $0.answers.count == answerers.count }, "\(answerers.count) answers for each meme")
    self.answerers = answerers
    self.items = items
  }

  var json: JSONValue {
    var bytesLeft = Self.pictureBudget
    let items = items.map { item -> JSONValue in
      var members: [String: JSONValue] = [
        "id": .string(item.id.truncated(to: 80)), "truth": .string(item.truth),
        "answers": .array(
          item.answers.map { [.string($0.label), .number($0.probability), $0.isRight ? 1 : 0] }),
      ]
      members["text"] = item.text.map { .string($0.truncated(to: GalleryItem.textLimit)) }
      if let jpeg = item.jpeg, jpeg.count <= bytesLeft {
        bytesLeft -= jpeg.count
        members["jpeg"] = .string(jpeg.base64EncodedString())
      } else if item.hasPicture {
        members["omitted"] = true
      }
      return .object(members)
    }
    return ["answerers": .strings(answerers), "items": .array(items)]
  }
}

/// One meme of a gallery.
public struct GalleryItem: Sendable {
  /// Captions longer than this are cut: a card is for a glance.
  static let textLimit = 280

  public let id: String
  /// The overlaid text, `nil` where the meme has none.
  public let text: String?
  /// The picture, `nil` where the meme has none or where it is not shown.
  public let jpeg: Data?
  /// Whether the meme has a picture, shown or not.
  public let hasPicture: Bool
  /// The true label as people read it: `harmful`.
  public let truth: String
  /// The first decides whether the meme counts as right or wrong. [A]
  public let answers: [Answer]

  public init(id: String, text: String?, jpeg: Data?, hasPicture: Bool, truth: String, answers: [Answer]) {
    self.id = id
    self.text = text
    self.jpeg = jpeg
    self.hasPicture = hasPicture
    self.truth = truth
    self.answers = answers
  }

  /// What a method or a modality says.
  public struct Answer: Sendable {
    /// As people read it.
    public let label: String
    /// The probability of that answer, from 0 to 1.
    public let probability: Double
    public let isRight: Bool

    public init(label: String, probability: Double, isRight: Bool) {
      self.label = label
      self.probability = probability
      self.isRight = isRight
    }
  }
}
