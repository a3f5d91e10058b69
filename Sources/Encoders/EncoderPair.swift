import Crypto
import Foundation
import MemeData
import Synchronization
import Torch

/// The two frozen encoders that see a meme, loaded when they are first needed.
public final class EncoderPair: Sendable {
  /// The name in recipes.
  public let name: String
  public let computation: Computation
  /// Whether large JPEGs are decoded at a reduced size, which costs the features a little (`+fast` in names).
  public let decodesFast: Bool
  private let imageSource: Source<any ImageEncoder>
  private let textSource: Source<any TextEncoder>
  private let regionFiles = Mutex<[URL: RegionFile]>([:])

  /// An encoder and the files it is made of.
  struct Source<Encoder: Sendable>: Sendable {
    let width: Int
    /// Everything that the features depend on, the weights among them.
    let files: [URL]
    /// What the encoder does to its input, in words that change when it changes.
    let preprocessing: String
    let load: @Sendable () throws -> Encoder
    private let loaded = Box<Encoder>()

    init(
      width: Int, files: [URL], preprocessing: String, load: @escaping @Sendable () throws -> Encoder
    ) {
      self.width = width
      self.files = files
      self.preprocessing = preprocessing
      self.load = load
    }

    var encoder: Encoder {
      get throws {
        try loaded.value.withLock { value in
          if let value { return value }
          let made = try load()
          value = made
          return made
        }
      }
    }

    /// Lets go of the network; it is loaded again when it is next asked for.
    func unload() { loaded.value.withLock { $0 = nil } }

    /// Names the features: the same files, preprocessing, precision and device make the same ones.
    func fingerprint(_ computation: Computation) throws -> String {
      var hash = SHA256()
      for file in files {
        if let name = file.blobName {
          hash.update(data: Data(name.utf8))
        } else {
          hash.update(data: try Data(contentsOf: file, options: .alwaysMapped))
        }
      }
      hash.update(data: Data("\(preprocessing)|\(computation.precision.rawValue)|\(computation.device)".utf8))
      return hash.finalize().prefix(8).hex
    }
  }

  final class Box<Value: Sendable>: Sendable {
    let value = Mutex<Value?>(nil)
  }

  init(
    name: String, computation: Computation, decodesFast: Bool = false, image: Source<any ImageEncoder>,
    text: Source<any TextEncoder>
  ) {
    self.name = name
    self.computation = computation
    self.decodesFast = decodesFast
    imageSource = image
    textSource = text
  }

  public var imageWidth: Int { imageSource.width }
  public var textWidth: Int { textSource.width }

  public var image: any ImageEncoder { get throws { try imageSource.encoder } }
  public var text: any TextEncoder { get throws { try textSource.encoder } }

  /// What `ImageDecoder` is asked to keep of a picture's sides for the network; `nil` for all, which loads none.
  var leastSide: Int? { get throws { decodesFast ? try leastSide(for: image.inputSide) : nil } }

  /// The same for pictures that are reduced to `side`; `nil` for all of it. At twice that side what is lost lies beyond what
  /// the reduced picture can show, but for the softness of a reduction by the mean.
  func leastSide(for side: Int) -> Int? { decodesFast ? 2 * side : nil }

  /// The same pair under another name, with large JPEGs decoded at a reduced size.
  func decodingFast(named name: String) -> EncoderPair {
    EncoderPair(name: name, computation: computation, decodesFast: true, image: imageSource, text: textSource)
  }

  /// Frees the memory of the networks that were loaded; each is loaded again when it is next asked for.
  public func unload() {
    imageSource.unload()
    textSource.unload()
    regionFiles.withLock { $0 = [:] }
  }

  /// A detector's regions, whose index is made when they are first asked for and when the file has been written anew.
  func regions(in file: URL) throws -> RegionFile {
    try regionFiles.withLock { files in
      if let known = files[file], known.isCurrent { return known }
      let read = try RegionFile(file)
      files[file] = read
      return read
    }
  }

  /// The network that tells the states of tokens.
  ///
  /// - Throws: ``EncoderError/noTokenStates(encoder:reason:)`` where there are none of that kind.
  func tokenEncoder(for states: TokenStates) throws -> any TokenEncoder {
    guard let encoder = try text as? any TokenEncoder else {
      throw EncoderError.noTokenStates(encoder: name, reason: "its text network tells of whole texts only")
    }
    guard states == .content || encoder.paddedLength != nil else {
      throw EncoderError.noTokenStates(
        encoder: name,
        reason: "its text network does not read padding (--set settings.network.reads_padding=false leaves it out)")
    }
    return encoder
  }

  /// The network that tells the features of a picture's parts.
  ///
  /// - Throws: ``EncoderError/noRegions(encoder:)`` where it does not.
  var regionEncoder: any RegionEncoder {
    get throws {
      let image = try image
      guard let encoder = (image as? any RegionEncoder) ?? (image as? PictureNetworkEncoder)?.regions else {
        throw EncoderError.noRegions(encoder: name)
      }
      return encoder
    }
  }

  /// The folder name of tokens' states in a cache.
  func cacheName(of states: TokenStates) throws -> String {
    "states-\(states.rawValue)-\(try textSource.fingerprint(computation))"
  }

  /// The folder names of the features in a cache.
  public func cacheNames() throws -> (image: String, text: String) {
    let decoding = decodesFast ? "-fast" : ""
    return (
      "image-\(try imageSource.fingerprint(computation))\(decoding)", "text-\(try textSource.fingerprint(computation))"
    )
  }
}

extension URL {
  /// The SHA-256 that the hub's cache names a large file by; reading gigabytes to compute it would take seconds.
  fileprivate var blobName: String? {
    let blob = resolvingSymlinksInPath()
    let isNamed = blob.lastPathComponent.wholeMatch(of: /[0-9a-f]{64}/) != nil
    return isNamed && blob.deletingLastPathComponent().lastPathComponent == "blobs" ? blob.lastPathComponent : nil
  }
}
