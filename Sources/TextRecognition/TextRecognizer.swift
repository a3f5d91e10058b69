import Foundation
import MemeData
import Synchronization

/// Reads the text on memes: Tesseract, behind preparation made for captions on pictures.
///
/// A picture is enlarged and read three times: in grey as a page, in grey with words anywhere, and with its white
/// letters alone. Of readings of one place the longest with certain words is kept. An instance works on one
/// picture at a time; ``TextRecognizers`` have one for each thread.
public final class TextRecognizer: Sendable {
  private let engine: Mutex<TesseractEngine>

  public static let defaultLanguage = "eng"

  /// - Parameter language: Tesseract's names, such as `eng` or `eng+deu`.
  /// - Throws: ``RecognitionError/missingLanguage(_:available:)``
  public init(language: String = TextRecognizer.defaultLanguage) throws(RecognitionError) {
    engine = Mutex(try TesseractEngine(language: language))
  }

  /// The lines on a picture, in reading order; none is no error.
  ///
  /// - Throws: `ImageError` or ``RecognitionError``
  public func text(on picture: RGBImage) throws -> RecognizedText {
    let prepared = try PreparedPicture(picture)
    let readings = try engine.withLock { engine in
      [
        try engine.words(on: prepared.grey, layout: .page),
        try engine.words(on: prepared.grey, layout: .scattered),
        try engine.words(on: prepared.whiteLetters, layout: .scattered),
      ]
    }
    var lines = LineSelection.lines(of: readings)
    for index in lines.indices { lines[index].box = lines[index].box.divided(by: prepared.scale) }
    return RecognizedText(lines: lines)
  }
}

/// Recognizers for as many threads as ask at once.
public final class TextRecognizers: Sendable {
  private let language: String
  private let idle: Mutex<[TextRecognizer]>

  /// - Throws: ``RecognitionError/missingLanguage(_:available:)``
  public init(language: String = TextRecognizer.defaultLanguage) throws(RecognitionError) {
    self.language = language
    idle = Mutex([try TextRecognizer(language: language)])
  }

  /// The lines on a picture, as ``TextRecognizer/text(on:)`` finds them.
  public func text(on picture: RGBImage) throws -> RecognizedText {
    let recognizer = try idle.withLock { $0.popLast() } ?? TextRecognizer(language: language)
    defer { idle.withLock { $0.append(recognizer) } }
    return try recognizer.text(on: picture)
  }
}

extension RecognizedText.Box {
  fileprivate func divided(by scale: Double) -> Self {
    func down(_ side: Int) -> Int { Int((Double(side) / scale).rounded(.down)) }
    func up(_ side: Int) -> Int { Int((Double(side) / scale).rounded(.up)) }
    return Self(left: down(left), top: down(top), right: up(right), bottom: up(bottom))
  }
}
