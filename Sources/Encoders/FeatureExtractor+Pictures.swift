import Foundation
import MemeData
import Synchronization
import Torch

extension FeatureExtractor {
  /// What a walk over all pictures found.
  struct PictureResult {
    var keys: [FeatureCache.Key?]
    /// Contents that no cache had and a worker has taken up.
    var fresh: Set<FeatureCache.Key> = []
    /// Those among them that cannot be decoded, and why.
    var broken: [FeatureCache.Key: String] = [:]
    var computed = 0
    var problems: [UnreadablePicture] = []
  }

  /// What workers share.
  private struct Walk {
    var result: PictureResult
    private var next = 0
    private var done = 0

    init(count: Int) { result = PictureResult(keys: [FeatureCache.Key?](repeating: nil, count: count)) }

    mutating func takeNext() -> Int? {
      guard next < result.keys.count else { return nil }
      defer { next += 1 }
      return next
    }

    mutating func finishOne() -> Int {
      done += 1
      return done
    }
  }

  func extractImages(_ memes: [Meme], _ statistics: inout Statistics) throws -> PictureResult {
    guard request.readsFeatures, memes.contains(where: { $0.image != nil }) else {
      return PictureResult(keys: [FeatureCache.Key?](repeating: nil, count: memes.count))
    }
    let network = try encoder.image
    let pass = PicturePass(
      phase: "images", cache: imageCache, leastSide: try encoder.leastSide, batchSize: network.preferredBatchSize,
      pixels: network.pixels(of:),
      encode: { keys, pixels in
        let features = network.encode(pixels)
        try imageCache?.add(keys, features)
      })
    let clock = ContinuousClock()
    let start = clock.now
    let result = try run(pass, on: memes)
    statistics.imageSeconds = (clock.now - start) / .seconds(1)
    statistics.imagesComputed = result.computed
    return result
  }

  /// Makes sure that the cells of pictures are in the cache, or finds the pictures that a detector saw; `nil` where no
  /// one wants regions.
  ///
  /// - Throws: ``EncoderError/noRegionsOfPictures(_:count:)`` for a detector's file of other pictures.
  func extractRegions(_ memes: [Meme]) throws -> PictureResult? {
    guard request.regions != nil else { return nil }
    guard let cache = regionCache else {
      var result = PictureResult(keys: [])
      for meme in memes {
        do throws(ImageError) {
          result.keys.append(
            try meme.image.map { (file) throws(ImageError) in .init(of: try decoder.bytes(contentsOf: file)) })
        } catch {
          result.keys.append(nil)
          result.problems.append(UnreadablePicture(id: meme.id, reason: error.description))
        }
      }
      let keys = result.keys.compactMap(\.self)
      try checkCoverage(of: keys)
      try regionFile?.requireFinite(keys)
      return result
    }
    let network = try encoder.regionEncoder
    let pass = PicturePass(
      phase: "regions", cache: cache, leastSide: try encoder.leastSide, batchSize: network.preferredBatchSize,
      pixels: network.pixels(of:),
      encode: { keys, pixels in
        let cells = network.cells(pixels)  // [N, R, F]
        let count = cells.shape[1]
        try cache.add(
          keys, cells.reshaped(to: [keys.count * count, network.regionWidth]),
          lengths: [Int](repeating: count, count: keys.count))
      })
    return try run(pass, on: memes)
  }

  /// Refuses a detector's file that has none of the pictures, and tells how many it lacks: a network would read their memes by
  /// the texts alone.
  private func checkCoverage(of pictures: [FeatureCache.Key]) throws(EncoderError) {
    guard let regionFile, case .file(let file) = request.regions else { return }
    let missing = pictures.count { !regionFile.contains($0) }
    guard missing > 0 else { return }
    guard missing < pictures.count else { throw .noRegionsOfPictures(file, count: missing) }
    warn("\(file.path) lacks \(missing) of \(pictures.count) pictures, whose memes are read by their texts alone")
  }

  /// Makes sure that the pictures themselves are in the cache; `nil` where no one wants them.
  func extractPictures(_ memes: [Meme]) throws -> PictureResult? {
    guard let side = request.pictureSide, let cache = pictureCache else { return nil }
    let pass = PicturePass(
      phase: "pictures", cache: cache, leastSide: encoder.leastSide(for: side), batchSize: 1,
      pixels: { PictureBlock.pixels(of: $0, side: side) },
      encode: { keys, pixels in try cache.add(keys, pixels[0].reshaped(to: [1, 3 * side * side])) })
    return try run(pass, on: memes)
  }

  /// One walk over all pictures.
  private struct PicturePass: Sendable {
    let phase: String
    let cache: FeatureCache?
    /// What the decoder is asked to keep of sides; `nil` for all.
    let leastSide: Int?
    let batchSize: Int
    /// What is kept of a picture until its batch is encoded.
    let pixels: @Sendable (RGBImage) -> Tensor
    /// Encodes a batch and keeps what comes out.
    let encode: @Sendable ([FeatureCache.Key], [Tensor]) throws -> Void
  }

  private func run(_ pass: PicturePass, on memes: [Meme]) throws -> PictureResult {
    let walk = Mutex(Walk(count: memes.count))
    try forEachCore {
      var keys: [FeatureCache.Key] = []
      var pixels: [Tensor] = []
      func encodeBatch() throws {
        guard !keys.isEmpty else { return }
        try pass.encode(keys, pixels)
        let count = keys.count
        keys.removeAll(keepingCapacity: true)
        pixels.removeAll(keepingCapacity: true)
        walk.withLock { $0.result.computed += count }
      }
      while let index = walk.withLock({ $0.takeNext() }) {
        if let (key, image) = readImage(of: memes[index], at: index, pass, walk) {
          keys.append(key)
          pixels.append(pass.pixels(image))
          if keys.count >= pass.batchSize { try encodeBatch() }
        }
        // Told under the lock, so that no one hears of an earlier count after a later one.
        walk.withLock { progress(pass.phase, $0.finishOne(), memes.count) }
      }
      try encodeBatch()
    }
    try pass.cache?.flush()
    var result = walk.withLock { $0.result }
    // Copies too, which were passed over when they were met.
    for (index, key) in result.keys.enumerated() {
      guard let key, let reason = result.broken[key] else { continue }
      result.keys[index] = nil
      result.problems.append(UnreadablePicture(id: memes[index].id, reason: reason))
    }
    result.problems.sort { $0.id < $1.id }
    return result
  }

  /// The key and the pixels of a picture that has to be encoded; `nil` where there is nothing to do.
  private func readImage(
    of meme: Meme, at index: Int, _ pass: PicturePass, _ walk: borrowing Mutex<Walk>
  ) -> (FeatureCache.Key, RGBImage)? {
    guard let file = meme.image else { return nil }
    do {
      let bytes = try decoder.bytes(contentsOf: file)
      let key = FeatureCache.Key(of: bytes)
      walk.withLock { $0.result.keys[index] = key }
      let isNew = pass.cache?.contains(key) != true && walk.withLock { $0.result.fresh.insert(key).inserted }
      guard isNew else { return nil }
      do throws(ImageError) {
        return (key, try decoder.decode(bytes, name: file.path, leastSide: pass.leastSide))
      } catch {
        walk.withLock { $0.result.broken[key] = error.description }
        return nil
      }
    } catch {
      walk.withLock { $0.result.problems.append(UnreadablePicture(id: meme.id, reason: error.description)) }
      return nil
    }
  }
}
