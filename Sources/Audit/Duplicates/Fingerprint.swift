import Crypto
import Foundation
import MemeData
import Synchronization

/// What is kept of a meme to find its copies.
public struct Fingerprint: Sendable, Equatable, Codable {
  /// Names the picture's file or, of a meme without picture, its text.
  public var content: ContentDigest
  /// `nil` for a meme without picture, and where there is too little to see for PDQ.
  public var hash: PDQHash?

  public init(content: ContentDigest, hash: PDQHash?) {
    self.content = content
    self.hash = hash
  }
}

/// The first 128 bits of a SHA-256: equal contents have equal ones, and no others will be met.
public struct ContentDigest: Hashable, Sendable {
  private let words: SIMD2<UInt64>

  public init(of content: some DataProtocol) {
    words = SHA256.hash(data: content).withUnsafeBytes { bytes in
      SIMD2(
        bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self), bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
      )
    }
  }

  private init(words: SIMD2<UInt64>) { self.words = words }

  /// The digest of a text as ``TextNormalization`` has it.
  init(ofText text: String) { self.init(of: Data(TextNormalization.normalized(text).utf8)) }
}

extension ContentDigest: CustomStringConvertible {
  /// 32 hexadecimal digits.
  public var description: String {
    [words.x, words.y].map { word in
      let digits = String(word, radix: 16)
      return String(repeating: "0", count: 16 - digits.count) + digits
    }.joined()
  }

  /// Reads what ``description`` prints; `nil` for anything else.
  public init?(hexadecimal text: String) {
    guard text.utf8.count == 32, let first = UInt64(text.prefix(16), radix: 16),
      let second = UInt64(text.suffix(16), radix: 16)
    else { return nil }
    self.init(words: SIMD2(first, second))
  }
}

extension ContentDigest: Codable {
  public init(from decoder: any Decoder) throws {
    var container = try decoder.unkeyedContainer()
    self.init(words: SIMD2(try container.decode(UInt64.self), try container.decode(UInt64.self)))
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.unkeyedContainer()
    try container.encode(words.x)
    try container.encode(words.y)
  }
}

/// The fingerprints of a dataset's memes, and the pictures that have none.
public struct FingerprintTable: Sendable, Codable {
  /// One for each meme; `nil` where the picture is broken, or where there is neither picture nor text.
  public internal(set) var fingerprints: [Fingerprint?]
  /// In the order of the memes.
  public internal(set) var brokenImages: [UnreadablePicture]
  /// Pictures below ``PDQ/leastQuality``: only copies to the byte are found of them.
  public internal(set) var lowQualityCount = 0
  /// Pictures decoded and hashed.
  public internal(set) var hashedCount = 0
  /// Seconds of the wall clock in which all cores read, decoded and hashed the pictures.
  public internal(set) var seconds = 0.0

  /// Reads, decodes and hashes every picture, one a core at a time.
  ///
  /// Memory holds a picture for each core and 96 bytes a meme, however many memes there are.
  ///
  /// - Parameter progress: told how many memes are done, from any thread, never of fewer after more.
  public init(of memes: [Meme], decoder: ImageDecoder = ImageDecoder(), progress: @Sendable (_ done: Int) -> Void) {
    let clock = ContinuousClock()
    let start = clock.now
    let shared = Mutex(Shared(count: memes.count))
    AllCores.forEach(below: memes.count) { index in
      let outcome = Outcome(of: memes[index], decoder: decoder)
      shared.withLock { $0.take(outcome, of: index) }
    } finished: { done in
      progress(done)
    }
    seconds = (clock.now - start) / .seconds(1)
    let result = shared.withLock { $0 }
    fingerprints = result.fingerprints
    brokenImages = result.broken.sorted { $0.key < $1.key }.map {
      UnreadablePicture(id: memes[$0.key].id, reason: $0.value)
    }
    lowQualityCount = result.lowQualityCount
    hashedCount = result.hashedCount
  }

  private enum Outcome {
    case hashed(Fingerprint)
    case withoutPicture(Fingerprint?)
    case broken(ImageError)

    init(of meme: Meme, decoder: ImageDecoder) {
      guard let file = meme.image else {
        self = .withoutPicture(meme.text.map { Fingerprint(content: ContentDigest(ofText: $0), hash: nil) })
        return
      }
      do throws(ImageError) {
        let bytes = try decoder.bytes(contentsOf: file)
        let result = PDQ.hash(try decoder.decode(bytes, name: file.path))
        let hash = result.quality >= PDQ.leastQuality ? result.hash : nil
        self = .hashed(Fingerprint(content: ContentDigest(of: bytes), hash: hash))
      } catch {
        self = .broken(error)
      }
    }
  }

  /// What all cores add to.
  private struct Shared {
    var fingerprints: [Fingerprint?]
    var broken: [Int: String] = [:]
    var lowQualityCount = 0
    var hashedCount = 0

    init(count: Int) { fingerprints = [Fingerprint?](repeating: nil, count: count) }

    mutating func take(_ outcome: Outcome, of index: Int) {
      switch outcome {
      case .hashed(let fingerprint):
        fingerprints[index] = fingerprint
        hashedCount += 1
        if fingerprint.hash == nil { lowQualityCount += 1 }
      case .withoutPicture(let fingerprint): fingerprints[index] = fingerprint
      case .broken(let error): broken[index] = error.description
      }
    }
  }
}
