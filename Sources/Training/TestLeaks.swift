import Audit
import Encoders
import Foundation
import MemeData

/// Test memes that a model may have seen: those that show the same as a training or validation meme.
///
/// The same means what `memesense data audit` means by it: equal files, or PDQ hashes 31 bits apart or fewer. Labels do
/// not matter, as methods learn from unlabelled memes too.
public enum TestLeaks {
  /// The ids of such test memes.
  ///
  /// - Parameters:
  ///   - dataset: whose test split is looked at.
  ///   - source: whose training and validation splits the model was made from; the same dataset unless given.
  /// - Throws: where the hashes cannot be kept.
  public static func ids(
    in dataset: Dataset, trainedOn source: Dataset? = nil, observer: any ProgressObserver
  ) throws -> Set<String> {
    func table(_ dataset: Dataset) throws -> (memes: [Meme], fingerprints: [Fingerprint?]) {
      let memes = dataset.withSplits().memes
      return (memes, try Corpus.fingerprints(of: memes, observer: observer).fingerprints)
    }
    var (memes, fingerprints) = try table(dataset)
    if let source {
      // Only the test memes of one count, and only the others of the other one.
      let other = try table(source)
      for index in memes.indices where memes[index].split != .test { fingerprints[index] = nil }
      memes += other.memes
      fingerprints += zip(other.memes, other.fingerprints).map { $0.split == .test ? nil : $1 }
    }
    let duplicates = Duplicates(fingerprints, splits: memes.map(\.split))
    return Set(duplicates.leakedTestMemes.map { memes[$0].id })
  }
}

extension PredictionSet {
  /// The set without some memes.
  public func excluding(_ ids: Set<String>) -> PredictionSet {
    var rest = self
    let kept = memes.indices.filter { !ids.contains(memes[$0].id) }
    rest.memes = kept.map { memes[$0] }
    rest.probabilities = kept.map { probabilities[$0] }
    return rest
  }

  /// How many memes are labelled for the task.
  public var labelledCount: Int { labelledRows.count }
}
