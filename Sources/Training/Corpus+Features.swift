import Encoders
import Foundation
import MemeData
import TextRecognition
import Torch

extension Corpus {
  /// Reads a recipe's dataset and makes sure of its features; what is cached is not computed again.
  ///
  /// - Parameters:
  ///   - splits: the splits whose features are needed.
  ///   - strict: whether a bad row fails the reading.
  public static func load(
    _ recipe: Recipe, splits: [Split] = Split.allCases, strict: Bool = false, observer: any ProgressObserver
  ) throws -> Corpus {
    try load(dataset(of: recipe, strict: strict, observer: observer), recipe, splits: splits, observer: observer)
  }

  /// Reads a recipe's dataset alone.
  public static func dataset(of recipe: Recipe, strict: Bool = false, observer: any ProgressObserver) throws -> Dataset
  {
    guard let path = recipe.data else { throw TrainingError.dataUnnamed }
    observer.observe(.phase("Reading \(path)"))
    var dataset = try Dataset.read(URL(fileURLWithPath: path), strict: strict)
    if let file = recipe.splitFile {
      dataset = try dataset.selecting(SplitFile(contentsOf: URL(fileURLWithPath: file)), named: file)
    }
    warnOfSplits(dataset, observer)
    warn(of: dataset.problems, observer)
    if let language = recipe.readTexts {
      let (memes, problems) = try RecognizedTexts.ofUser(language: language).fill(dataset.memes) { done, total in
        observer.observe(.items(phase: "reading texts", done: done, total: total))
      }
      warn(of: problems, "pictures could not be read and stay without text", observer)
      dataset.memes = memes
    }
    return dataset
  }

  /// Makes sure of the features that a recipe wants of a dataset.
  ///
  /// - Throws: ``TrainingError/invalid(_:)`` for a device that is not there, before any feature is computed.
  static func load(
    _ dataset: Dataset, _ recipe: Recipe, splits: [Split] = Split.allCases, observer: any ProgressObserver
  ) throws -> Corpus {
    try recipe.device.requireAvailable()
    let extractor = try FeatureExtractor(
      encoder: EncoderCatalog.pair(named: recipe.encoder, computation: Computation(device: recipe.device)),
      request: recipe.method.request, observer: observer)
    return try Corpus(dataset, splits: splits) { memes in
      let (keys, _, problems) = try extractor.extract(memes, cleaning: recipe.textCleaning)
      warn(of: problems, observer)
      return try extractor.table(keys)
    }
  }

  /// Tells what becomes of memes without a split.
  static func warnOfSplits(_ dataset: Dataset, _ observer: any ProgressObserver) {
    let strays = dataset.memes.count { $0.split == nil }
    if strays == dataset.memes.count {
      observer.observe(.warning("the dataset has no splits; it is cut 80/10/10 by the permutation of seed 42"))
    } else if strays > 0 {
      observer.observe(
        .warning("\(strays) memes have no split beside others that have one, and take no part; give them split train"))
    }
  }

  /// Names the first few of many bad rows.
  public static func warn(of rows: [RowProblem], _ observer: any ProgressObserver) {
    warn(of: rows, "rows could not be used as they are", observer)
  }

  /// Names the first few of many pictures.
  static func warn(of pictures: [UnreadablePicture], _ observer: any ProgressObserver) {
    warn(of: pictures, "images could not be read and count as missing", observer)
  }

  /// Names the first few of many problems.
  private static func warn(
    of problems: [some CustomStringConvertible], _ what: String, _ observer: any ProgressObserver
  ) {
    guard !problems.isEmpty else { return }
    observer.observe(.warning("\(problems.count) \(what):\(problems.firstFew)"))
  }
}

extension Collection where Element: CustomStringConvertible {
  /// The first three, a line each, and how many more there are.
  public var firstFew: String {
    prefix(3).map { "\n  \($0)" }.joined() + (count > 3 ? "\n  … and \(count - 3) more" : "")
  }
}

extension RecognizedTexts {
  /// What the user's cache remembers.
  static func ofUser(language: String) throws -> RecognizedTexts {
    try RecognizedTexts(folder: EncoderCatalog.cacheRoot.appending(path: "texts"), language: language)
  }
}

extension FeatureExtractor {
  /// An extractor on the user's feature cache that tells an observer how far it is.
  public init(
    encoder: EncoderPair, request: FeatureRequest = FeatureRequest(), observer: any ProgressObserver
  ) throws {
    try self.init(
      encoder: encoder, cacheFolder: EncoderCatalog.cacheRoot.appending(path: "features"), request: request,
      warn: { observer.observe(.warning($0)) },
      progress: { phase, done, total in observer.observe(.items(phase: phase, done: done, total: total)) })
  }
}

extension FeatureExtractor {
  /// An extractor that keeps nothing and tells an observer how far it is.
  public init(encoder: EncoderPair, keepsNothing observer: any ProgressObserver) {
    self.init(encoder: encoder) { phase, done, total in
      observer.observe(.items(phase: phase, done: done, total: total))
    }
  }
}

extension ModelBundle {
  /// A meme outside any dataset in the form that the model reads, on any thread; either modality may be missing. A text
  /// that is missing is read off the picture where the model was trained so.
  ///
  /// - Parameters:
  ///   - name: what errors call the picture.
  ///   - readsText: false leaves a text that is missing out in any case.
  /// - Throws: `ImageError` for a picture that cannot be read.
  public func prepared(
    picture: Data?, named name: String, text: String?, readsText: Bool = true, decoder: ImageDecoder = ImageDecoder()
  ) throws -> PreparedMeme {
    var text = text
    if readsText, (text ?? "").isEmpty, let picture, let recognizers {
      text = try recognizers.text(on: decoder.decode(picture, name: name)).text
    }
    return try encoder.prepared(
      picture: picture, named: name, text: text, cleaning: description.recipe.textCleaning,
      request: description.recipe.method.request, decoder: decoder)
  }

  /// Refuses a picture that a detector's file does not know, where the model reads one.
  ///
  /// - Parameter name: what errors call the picture.
  /// - Throws: `EncoderError`
  public func requireRegions(of meme: PreparedMeme, named name: String) throws {
    try encoder.requireRegions(of: meme, named: name, request: description.recipe.method.request)
  }

  /// What the model says of memes outside any dataset, calibrated where it has ``calibrations``.
  ///
  /// - Parameter ids: what the predictions call the memes, in order.
  public func predictions(for memes: [PreparedMeme], ids: [String]) throws -> [Prediction] {
    let features = try encoder.table(of: memes, request: description.recipe.method.request)
    try check(features)
    return predictions(of: features, ids: ids).map { each in
      var prediction = each[0]
      if each.count > 1 {
        prediction.tasks = Dictionary(uniqueKeysWithValues: zip(tasks, each).dropFirst().map { ($0.name, $1) })
      }
      return prediction
    }
  }

  /// What the model says of memes in files.
  public func predictions(for memes: [Meme]) throws -> [Prediction] {
    let decoder = ImageDecoder()
    let prepared = try memes.map { meme in
      let name = meme.image?.path ?? meme.id
      let prepared = try self.prepared(
        picture: meme.image.map { try decoder.bytes(contentsOf: $0) }, named: name, text: meme.text, decoder: decoder)
      try requireRegions(of: prepared, named: name)
      return prepared
    }
    return try predictions(for: prepared, ids: memes.map(\.id))
  }

  /// What the model says of memes with these features for each of its tasks, calibrated where it has ``calibrations``.
  public func predictions(of features: FeatureTable, ids: [String]) -> [[Prediction]] {
    let parts = classifier.probabilities(of: features).columns(of: tasks).map(\.rows)
    return ids.indices.map { row in
      tasks.indices.map { task in
        Prediction(id: ids[row], probabilities: parts[task][row], task: tasks[task], calibration: calibrations?[task])
      }
    }
  }
}
