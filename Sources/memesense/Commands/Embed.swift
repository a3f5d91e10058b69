import ArgumentParser
import Encoders
import Foundation
import MemeData
import Training

import enum Torch.Device

/// `memesense embed`: fills the feature cache.
struct Embed: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compute and cache the features of a dataset's memes.",
    discussion: """
      Training does this by itself; embed does it beforehand. A killed run goes on where it was, and what is cached is
      not computed again. Features are kept below ~/.cache/memesense (or XDG_CACHE_HOME).
      """)

  @Argument(help: "A dataset folder or annotation file.", completion: .directory)
  var path: String

  @Option(help: "The frozen encoders: a name as 'memesense encoders list --help' explains them.")
  var encoder = "lite"

  @Option(help: "float32 or bfloat16; the faster of the two on this machine unless given.")
  var precision: Computation.Precision?

  @Option(help: Device.help)
  var device: Device = .cpu

  @Option(help: "What is done to texts first: none or semimemes.")
  var textCleaning: TextCleaning = .none

  @Flag(help: "Compute anew, neither reading nor filling the cache.")
  var noCache = false

  @Flag(help: "Fail at bad rows of the dataset instead of leaving them out.")
  var strict = false

  @OptionGroup var display: OutputOptions

  private struct Result: Encodable {
    var memes: Int
    /// Memes whose image or text was not cached.
    var computed: Int
    /// Contents that were encoded; memes with the same image or text share one.
    var imagesComputed: Int
    var textsComputed: Int
    var imagesPerSecond: Double?
    var textsPerSecond: Double?
    var precision: Computation.Precision
    var problems: [String]

    enum CodingKeys: String, CodingKey {
      case memes, computed, precision, problems
      case imagesComputed = "images_computed"
      case textsComputed = "texts_computed"
      case imagesPerSecond = "images_per_second"
      case textsPerSecond = "texts_per_second"
    }
  }

  func run() throws {
    let dataset = try Dataset.read(URL(fileURLWithPath: path), strict: strict)
    let observer = display.observer
    Corpus.warn(of: dataset.problems, observer)
    try device.requireAvailable()
    if let warning = precision?.warning(on: device) { observer.observe(.warning(warning)) }
    let computation = Computation(device: device, precision: precision)
    let pair = try EncoderCatalog.pair(named: encoder, computation: computation)
    let (_, statistics, problems) = try extractor(pair, observer: observer).extract(
      dataset.memes, cleaning: textCleaning)
    let result = Result(
      memes: statistics.memes, computed: statistics.computed,
      imagesComputed: statistics.imagesComputed, textsComputed: statistics.textsComputed,
      imagesPerSecond: Self.rate(statistics.imagesComputed, statistics.imageSeconds),
      textsPerSecond: Self.rate(statistics.textsComputed, statistics.textSeconds), precision: computation.precision,
      problems: problems.map(\.description))
    if display.json { return try Console.printJSON(result) }
    for problem in problems { Console.error("warning: \(problem)") }
    let rates = [
      (result.imagesComputed, "images", result.imagesPerSecond), (result.textsComputed, "texts", result.textsPerSecond),
    ]
    .map { count, name, rate in "\(count) \(name)" + (rate.map { String(format: " (%.0f/s)", $0) } ?? "") }
    try Console.print("\(result.memes) memes; computed \(rates.joined(separator: ", ")); the rest was cached")
  }

  private func extractor(_ pair: EncoderPair, observer: any ProgressObserver) throws -> FeatureExtractor {
    if noCache { return FeatureExtractor(encoder: pair, keepsNothing: observer) }
    return try FeatureExtractor(encoder: pair, observer: observer)
  }

  private static func rate(_ count: Int, _ seconds: Double) -> Double? {
    count > 0 && seconds > 0 ? Double(count) / seconds : nil
  }
}

extension Computation.Precision: ExpressibleByArgument {}
extension TextCleaning: ExpressibleByArgument {}
