import ArgumentParser
import Foundation
import MemeData
import Training

import enum Torch.Device

/// `memesense predict`: what a trained run says of single memes.
struct Predict: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Say how likely each label is for single memes.",
    discussion: """
      Prints one JSON line a meme. Either the image or the text alone is enough:
        memesense predict runs/first meme.jpg --text "the words on it"
        memesense predict runs/first --text "words without a picture"
        memesense predict runs/first a.jpg b.png
      A run trained with --calibrate answers at the temperatures and thresholds chosen there, and each line says so:
      "calibrated": true.
      """)

  @Argument(help: ArgumentHelp("A run's folder.", valueName: "run"), completion: .directory)
  var runFolder: String

  @Argument(help: "Image files (JPEG, PNG, WebP, GIF).", completion: .file())
  var images: [String] = []

  @Option(
    parsing: .unconditionalSingleValue, help: "The text on the meme; repeat it, in order, for several images.")
  var text: [String] = []

  @Option(help: Device.help)
  var device: Device = .cpu

  @Flag(help: "Leave probabilities as the model gives them, and thresholds at one half.")
  var uncalibrated = false

  func validate() throws {
    if images.isEmpty && (text.isEmpty || text.contains("")) {
      throw ValidationError("Give at least one image or a --text.")
    }
    if !images.isEmpty && !text.isEmpty && text.count != images.count {
      throw ValidationError("\(text.count) texts for \(images.count) images: give none, or one for each.")
    }
  }

  func run() throws {
    var bundle = try ModelBundle(URL(fileURLWithPath: runFolder), on: device)
    if uncalibrated { bundle.calibrations = nil }
    let memes = (0..<max(images.count, text.count)).map { index in
      Meme(
        id: images.isEmpty ? "text-\(index + 1)" : images[index],
        image: images.isEmpty ? nil : URL(fileURLWithPath: images[index]),
        text: text.isEmpty || text[index].isEmpty ? nil : text[index])
    }
    // A few at a time, so that many large pictures need not be in memory at once and answers come as they are made.
    for start in stride(from: 0, to: memes.count, by: 8) {
      for prediction in try bundle.predictions(for: Array(memes[start..<min(start + 8, memes.count)])) {
        try Console.printJSON(prediction)
      }
    }
  }
}
