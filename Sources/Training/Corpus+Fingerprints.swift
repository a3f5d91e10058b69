import Audit
import Encoders
import MemeData

extension Corpus {
  /// What the copies of memes are found by, from the user's cache where it is there.
  public static func fingerprints(
    of memes: [Meme], observer: any ProgressObserver
  ) throws -> FingerprintTable {
    try FingerprintCache(folder: EncoderCatalog.cacheRoot.appending(path: "fingerprints")).table(of: memes) { done in
      observer.observe(.items(phase: "pictures compared", done: done, total: memes.count))
    }
  }
}
