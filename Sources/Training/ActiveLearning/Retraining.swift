import Encoders
import Foundation
import MemeData
import Methods
import Metrics
import TextRecognition
import Torch

/// A training on labels as they stand, with the score before and after it on memes that no training sees.
///
/// Memes of the validation and test splits are held out; of memes without a split every fifth by the digest of its name, so
/// that the same memes are held out each time. Where there is no such split then, ``MemeData/Dataset/withSplits()`` cuts it.
public struct Retraining {
  /// What came of it. Arrays have one entry a meme given.
  public struct Outcome: Sendable {
    /// Labelled memes that were learned from.
    public var labels: Int
    public var metric: Metric
    /// The earlier model's score on the held-out memes; `nil` without an earlier model or enough of them.
    public var before: Double?
    public var after: Double?
    /// Held-out memes with a label.
    public var scored: Int
    /// What the new model says. [N, C]
    public var probabilities: [[Double]]
    public var features: FeatureIndex
    /// The memes without label in the order to ask for their labels.
    public var order: [Int]
  }

  /// Fewer labels are not worth a model.
  public static let fewestLabels = 10

  private let task: LabelTask
  private let memes: [Meme]
  private let recipe: Recipe
  private let observer: any ProgressObserver

  /// - Parameters:
  ///   - memes: all, with the labels that stand.
  ///   - recipe: what is trained; its task and number of labels are replaced.
  public init(memes: [Meme], task: LabelTask, recipe: Recipe, observer: any ProgressObserver) {
    self.task = task
    self.memes = memes
    self.observer = observer
    var recipe = recipe
    recipe.task = task.name
    recipe.labels = 1
    self.recipe = recipe
  }

  /// Trains and scores.
  ///
  /// - Parameters:
  ///   - folder: the new run's, which must not be there.
  ///   - earlier: the run to compare with, which tells what its labels feed of other services if they are the same.
  ///   - clusters: equal numbers for memes that look alike.
  public func run(in folder: URL, comparedWith earlier: URL?, clusters: [Int]) throws -> Outcome {
    let memes = try Self.withTexts(memes, recipe: recipe, observer: observer)
    var parts = memes
    for index in parts.indices { parts[index].split = Self.part(of: parts[index]) }
    let dataset = Dataset(
      name: "labels", root: folder.deletingLastPathComponent(), format: .huggingFace, tasks: [task], memes: parts
    ).withSplits()
    let split = dataset.memes.map(\.split)
    let labelled = memes.indices.filter { split[$0] == .train && memes[$0].labels[task.name] != nil }
    guard labelled.count >= Self.fewestLabels else {
      throw TrainingError.invalid(
        "\(labelled.count) memes outside the held-out ones are labelled for '\(task.name)'; a training needs "
          + "\(Self.fewestLabels)")
    }
    let first = memes[labelled[0]].labels[task.name]
    guard labelled.contains(where: { memes[$0].labels[task.name] != first }) else {
      throw TrainingError.invalid("all \(labelled.count) labels for '\(task.name)' are the same; label more memes")
    }
    let corpus = try Corpus.load(dataset, recipe, observer: observer)
    let run = TrainingRun(recipe: recipe, folder: folder, observer: observer)
    _ = try run.execute(on: corpus, resumes: false)
    // What was trained on other labels or by other encoders cannot be compared.
    let earlier = earlier.flatMap { bundle($0) }.flatMap { $0.tasks == [task] ? $0 : nil }
    let before = earlier.flatMap { sees($0.description.recipe) ? $0 : nil }
    if let earlier { try ModelBundle.setCategories(earlier.description.categories, in: folder) }
    let model = try ModelBundle(folder)
    let (after, scored) = try score(model.classifier, on: corpus)
    var probabilities = [[Double]](repeating: [], count: memes.count)
    for part in Split.allCases {
      let places = memes.indices.filter { split[$0] == part }
      guard !places.isEmpty else { continue }
      let rows = model.classifier.probabilities(of: try corpus.features(in: part)).rows
      for (place, row) in zip(places, rows) { probabilities[place] = row }
    }
    observer.observe(.phase("Ordering the queue"))
    // What cannot be read was told of when the corpus was loaded.
    let table = try Self.table(of: memes, recipe: recipe, observer: observer).table
    let pool = QueryPool(table, clusters: clusters)
    let isLabelled = memes.indices.filter { memes[$0].labels[task.name] != nil }
    let order = Self.order(
      pool, labelled: isLabelled, probabilities: probabilities, isExclusive: task.kind == .multiclass,
      seed: recipe.seed)
    return Outcome(
      labels: labelled.count, metric: .auroc, before: try before.flatMap { try score($0.classifier, on: corpus).score },
      after: after, scored: scored, probabilities: probabilities, features: FeatureIndex(table), order: order)
  }

  /// Declares the run that was left in a folder complete, once it is written down where it is: one that was interrupted before
  /// is told by its checkpoints.
  public func finish(in folder: URL) throws {
    try TrainingRun(recipe: recipe, folder: folder, observer: observer).finish()
  }

  /// Whether a model by an earlier recipe reads what this one's features are.
  private func sees(_ earlier: Recipe) -> Bool {
    earlier.hasFeatures(of: recipe) && earlier.readTexts == recipe.readTexts
      && earlier.method.request == recipe.method.request
  }

  /// The model of an earlier training; `nil`, with a warning, where it cannot be read: that stops no new one.
  private func bundle(_ folder: URL) -> ModelBundle? {
    do {
      return try ModelBundle(folder)
    } catch {
      observer.observe(
        .warning("the model before is not compared with, and what was changed in its model.json is not kept: \(error)"))
      return nil
    }
  }

  /// The features of memes, from the user's cache where they are there; texts that memes lack are read off their pictures
  /// where the recipe asks for it. The observer is told of pictures that cannot be read.
  public static func features(
    of memes: [Meme], recipe: Recipe, observer: any ProgressObserver
  ) throws -> FeatureTable {
    let memes = try withTexts(memes, recipe: recipe, observer: observer)
    let (table, problems) = try table(of: memes, recipe: recipe, observer: observer)
    Corpus.warn(of: problems, observer)
    return table
  }

  private static func table(
    of memes: [Meme], recipe: Recipe, observer: any ProgressObserver
  ) throws -> (table: FeatureTable, problems: [UnreadablePicture]) {
    let extractor = try FeatureExtractor(
      encoder: EncoderCatalog.pair(named: recipe.encoder, computation: Computation(device: recipe.device)),
      observer: observer)
    let (keys, _, problems) = try extractor.extract(memes, cleaning: recipe.textCleaning)
    return (try extractor.table(keys), problems)
  }

  /// Memes with the texts that they lack, read off their pictures, where a recipe asks for it: its model reads them too when
  /// it is asked.
  private static func withTexts(
    _ memes: [Meme], recipe: Recipe, observer: any ProgressObserver
  ) throws -> [Meme] {
    guard let language = recipe.readTexts else { return memes }
    // Pictures that cannot be read are told of where their features are looked for.
    return try RecognizedTexts.ofUser(language: language).fill(memes) { done, total in
      observer.observe(.items(phase: "reading texts", done: done, total: total))
    }.memes
  }

  /// How many memes are chosen against each other; the rest follows by uncertainty, until the next training.
  private static let batch = 100

  private static func order(
    _ pool: QueryPool, labelled: [Int], probabilities: [[Double]], isExclusive: Bool, seed: UInt64
  ) -> [Int] {
    func next(_ count: Int, _ known: [Int], _ strategy: QueryStrategy) -> [Int] {
      pool.next(
        count, labelled: known, probabilities: probabilities, isExclusive: isExclusive, by: strategy, seed: seed)
    }
    let first = next(batch, labelled, .ours)
    return first + next(pool.count, labelled + first, .uncertainty)
  }

  private static func part(of meme: Meme) -> Split {
    switch meme.split {
    case .train: return .train
    // Two splits, since a dataset of training and test memes alone has validation memes cut from its training.
    case .validation, .test: return meme.split!
    case nil:
      let hash = meme.id.utf8.reduce(UInt64(0xCBF2_9CE4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }  // FNV-1a
      return (hash >> 32) % 5 > 0 ? .train : (hash >> 16) % 2 == 0 ? .validation : .test
    }
  }

  /// The score on validation and test memes together, and how many of them have a label.
  private func score(_ classifier: any Classifier, on corpus: Corpus) throws -> (score: Double?, count: Int) {
    let sets = try [Split.validation, .test].flatMap { split in
      try TrainingRun.score(classifier, on: corpus, split: split, tasks: [task])
    }
    guard var all = sets.first else { return (nil, 0) }
    for set in sets.dropFirst() {
      all.memes += set.memes
      all.probabilities += set.probabilities
    }
    return (try all.metrics()[.auroc]?.value, all.labelledCount)
  }
}

extension Recipe {
  /// Whether memes have the same features by both recipes: of the same encoders, of texts that are cleaned alike.
  public func hasFeatures(of other: Recipe) -> Bool {
    encoder == other.encoder && textCleaning == other.textCleaning
  }
}

/// Features of memes, to find those that are like another.
public struct FeatureIndex: @unchecked Sendable {  // its tensors are only read
  private let image: Tensor  // [N, I], rows of length 1 or 0
  private let text: Tensor  // [N, T]
  private let hasImage: [Bool]
  private let hasText: [Bool]

  public init(_ table: FeatureTable) {
    (image, text) = withoutGrad { (Self.scaled(table.image.values), Self.scaled(table.text.values)) }
    (hasImage, hasText) = (table.image.isPresent, table.text.isPresent)
  }

  /// The rows most like a meme, the likest first, with the mean cosine of pictures and texts (-1 to 1) as far as both have
  /// them.
  ///
  /// - Parameters:
  ///   - meme: a table of one row, of the same encoders.
  ///   - isWanted: which rows count.
  public func nearest(
    to meme: FeatureTable, count: Int, where isWanted: (Int) -> Bool
  ) -> [(row: Int, similarity: Double)] {
    func cosines(_ all: Tensor, _ one: Tensor) -> [Double] {
      withoutGrad { all.matmul(Self.scaled(one).transposed()).reshaped(to: [-1]).doubles }
    }
    let images = meme.image.isPresent[0] ? cosines(image, meme.image.values) : nil
    let texts = meme.text.isPresent[0] ? cosines(text, meme.text.values) : nil
    let found = hasImage.indices.filter(isWanted).compactMap { row -> (row: Int, similarity: Double)? in
      let parts = [hasImage[row] ? images?[row] : nil, hasText[row] ? texts?[row] : nil].compactMap(\.self)
      return parts.isEmpty ? nil : (row, parts.reduce(0, +) / Double(parts.count))
    }
    return Array(found.sorted { ($1.similarity, $0.row) < ($0.similarity, $1.row) }.prefix(count))
  }

  private static func scaled(_ rows: Tensor) -> Tensor {
    let lengths = (rows * rows).sum(along: 1).reshaped(to: [-1, 1]).squareRoot()
    return rows / (lengths + 1e-12)
  }
}
