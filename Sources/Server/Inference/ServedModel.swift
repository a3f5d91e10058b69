import Crypto
import Encoders
import Foundation
import MemeData
import Synchronization
import Torch
import Training

/// A trained model in memory, ready to answer.
final class ServedModel: @unchecked Sendable {  // what it holds is only read once it was warmed up
  let facts: ModelFacts
  private let bundle: ModelBundle

  /// What it was trained by.
  var recipe: Recipe { bundle.description.recipe }

  /// Loads the model of a run's folder with the networks that it needs, and lets it answer once.
  init(run folder: URL, on device: Device) throws {
    bundle = try ModelBundle(folder, on: device)
    facts = ModelFacts(
      name: folder.standardizedFileURL.lastPathComponent, version: try Self.version(of: folder), tasks: bundle.tasks,
      categories: bundle.description.categories)
    let grey = RGBImage(width: 64, height: 64, pixels: [UInt8](repeating: 128, count: 3 * 64 * 64))
    let picture = try grey.pngData()
    for (picture, text) in [(picture, nil), (nil, "warm"), (picture, "warm")] as [(Data?, String?)] {
      let meme = try bundle.prepared(picture: picture, named: "warm-up", text: text)
      _ = try bundle.predictions(for: [meme], ids: ["warm-up"])
    }
  }

  /// A digest of the model's files.
  private static func version(of folder: URL) throws -> String {
    var hash = SHA256()
    for file in ModelBundle.files(in: folder) {
      hash.update(data: try Data(contentsOf: file, options: .alwaysMapped))
    }
    return hash.finalize().prefix(6).hex
  }

  /// Decodes and scales a meme's picture and cuts its text into tokens, on the calling thread alone.
  func prepared(_ meme: MemeInput, decoder: ImageDecoder) throws(APIError) -> PreparedMeme {
    Runtime.threadCount = 1
    do {
      let prepared = try bundle.prepared(
        picture: meme.picture, named: meme.field, text: meme.text, readsText: meme.readsText, decoder: decoder)
      try bundle.requireRegions(of: prepared, named: meme.field)
      return prepared
    } catch {
      throw APIError(error, parameter: meme.field)
    }
  }

  /// Whether it reads the regions that a detector found in pictures, and knows no others.
  var readsDetectorFile: Bool {
    if case .file = bundle.description.recipe.method.request.regions { true } else { false }
  }

  /// The encoders' features of one meme, `nil` where the model reads none.
  func features(of meme: MemeInput, decoder: ImageDecoder) throws -> FeatureTable? {
    guard bundle.description.recipe.method.request.readsFeatures else { return nil }
    return try bundle.encoder.table(of: [prepared(meme, decoder: decoder)])
  }

  /// What the model says of prepared memes.
  ///
  /// A batch is cut into one part a core, each computed on a single thread, which is faster than to divide every operation
  /// over threads; a single meme has all threads to itself. A GPU takes a batch whole.
  func predictions(for memes: [PreparedMeme], ids: [String], cores: Int) throws -> [Prediction] {
    let parts = bundle.encoder.computation.device == .cpu ? min(cores, memes.count) : 1
    let answers = Mutex([[Prediction]](repeating: [], count: parts))
    try Runtime.concurrently(parts, threadsEach: max(1, cores / parts)) { part, _ in
      let range = memes.count * part / parts..<memes.count * (part + 1) / parts
      let predictions = try bundle.predictions(for: Array(memes[range]), ids: Array(ids[range]))
      answers.withLock { $0[part] = predictions }
    }
    return answers.withLock { $0.flatMap(\.self) }
  }
}
