import ArgumentParser
import Foundation
import MemeData
import TextRecognition
import Training

/// `memesense ocr`: the text on pictures.
struct OCR: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ocr",
    abstract: "Read the text on memes.",
    discussion: """
      Prints the text of each picture, or with --json one JSON line a picture with its lines, how sure the engine is of
      each, and where it stands:
        memesense ocr meme.jpg
        memesense ocr --json memes/*.jpg > texts.jsonl
      A dataset whose memes lack texts is read by 'memesense train --read-texts eng', which remembers what it read.
      """)

  @Argument(help: "Image files (JPEG, PNG, WebP, GIF).", completion: .file())
  var images: [String]

  @Option(help: "Tesseract's names of the languages, as in eng or eng+deu.")
  var language = TextRecognizer.defaultLanguage

  @Flag(help: "Print one JSON line a picture.")
  var json = false

  struct Reading: Encodable {
    var id: String
    var text: String
    var lines: [RecognizedText.Line]
  }

  func run() throws {
    let recognizer = try TextRecognizer(language: language)
    var isFirst = true
    for image in images {
      let text = try recognizer.text(on: ImageDecoder().decode(contentsOf: URL(fileURLWithPath: image)))
      if json {
        try Console.printJSON(Reading(id: image, text: text.text, lines: text.lines))
      } else {
        if images.count > 1 { try Console.print("\(isFirst ? "" : "\n")\(image)") }
        try Console.print(text.lines.isEmpty ? "(no text)" : text.text)
      }
      isFirst = false
    }
  }
}
