import Foundation

/// One meme with what each method made of it.
public struct GalleryItem: Sendable {
  public let id: String
  /// The overlaid text, `nil` where the meme has none.
  public let text: String?
  /// The picture, `nil` where the meme has none.
  public let jpeg: Data?
  /// The true label as people read it: `harmful`.
  public let truth: String
  public let predictions: [Prediction]

  public init(id: String, text: String?, jpeg: Data?, truth: String, predictions: [Prediction]) {
    self.id = id
    self.text = text
    self.jpeg = jpeg
    self.truth = truth
    self.predictions = predictions
  }

  /// One method's answer.
  public struct Prediction: Sendable {
    public let method: String
    /// The answer as people read it.
    public let label: String
    /// The probability of that answer, from 0 to 1.
    public let probability: Double
    public let isRight: Bool

    public init(method: String, label: String, probability: Double, isRight: Bool) {
      self.method = method
      self.label = label
      self.probability = probability
      self.isRight = isRight
    }
  }
}
