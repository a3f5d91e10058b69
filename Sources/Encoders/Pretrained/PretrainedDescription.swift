import Foundation
import Networks

/// What a pretraining left behind: `encoder.json` of its run folder, beside a safetensors file for each network.
public struct PretrainedDescription: Codable, Sendable, Equatable {
  /// A network for pictures.
  public struct Picture: Codable, Sendable, Equatable {
    /// Names its file, and chooses it in `RUN:name`.
    public var name: String
    public var backbone: Backbone
    /// Rows and columns of the pictures it was trained on, which those to encode are squashed to.
    public var side: Int

    public init(name: String, backbone: Backbone, side: Int) {
      self.name = name
      self.backbone = backbone
      self.side = side
    }
  }

  /// The layout of the files; readers refuse a newer one.
  public var formatVersion = 1
  /// The first is taken where none is named.
  public var pictures: [Picture]
  /// The encoder that reads texts.
  public var textEncoder: String

  public init(pictures: [Picture], textEncoder: String) {
    self.pictures = pictures
    self.textEncoder = textEncoder
  }

  enum CodingKeys: String, CodingKey {
    case pictures
    case formatVersion = "format_version"
    case textEncoder = "text_encoder"
  }

  public static let fileName = "encoder.json"

  /// Reads the description in a run folder.
  ///
  /// - Throws: ``EncoderError/invalidConfiguration(_:reason:)``
  public init(contentsOf folder: URL) throws(EncoderError) {
    let file = folder.appending(path: Self.fileName)
    self = try decoded(file)
    if let fault { throw .invalidConfiguration(file, reason: fault) }
  }

  /// Whether a folder is that of a finished pretraining.
  public static func isThere(in folder: URL) -> Bool {
    FileManager.default.fileExists(atPath: folder.appending(path: fileName).path)
  }

  /// The weights of a network.
  public static func file(of picture: Picture, in folder: URL) -> URL {
    folder.appending(path: "\(picture.name).safetensors")
  }

  /// What no network can be made of; `nil` where one can.
  private var fault: String? {
    guard formatVersion == 1 else {
      return "its format_version is \(formatVersion) and this program reads 1; update it"
    }
    guard !pictures.isEmpty else { return "it names no network for pictures" }
    for picture in pictures {
      guard picture.name.wholeMatch(of: /[a-z]+/) != nil else {
        return "a network is named '\(picture.name)'; expected small letters alone"
      }
      let patch = picture.backbone.patch ?? 1
      guard (16...2048).contains(picture.side), picture.side.isMultiple(of: patch) else {
        return "\(picture.name): a side of \(picture.side); expected 16 to 2048, and a multiple of \(patch)"
      }
    }
    return nil
  }
}

/// A run folder of a pretraining as recipes name it: `RUN`, or `RUN:NAME` for one of several networks.
public struct PretrainedRunName: Sendable, Equatable {
  public var folder: URL
  /// `nil` for the first network.
  public var network: String?

  /// `nil` where the name is that of no finished pretraining.
  public init?(_ name: String) {
    var parts = [name]
    if let colon = name.lastIndex(of: ":"), !PretrainedDescription.isThere(in: URL(fileURLWithPath: name)) {
      parts = [String(name[..<colon]), String(name[name.index(after: colon)...])]
    }
    folder = URL(fileURLWithPath: parts[0]).standardizedFileURL
    network = parts.count == 2 ? parts[1] : nil
    guard PretrainedDescription.isThere(in: folder) else { return nil }
  }

  /// The same wherever the program is started.
  public var absolute: String { folder.path + (network.map { ":\($0)" } ?? "") }

  /// The network it stands for, the first one where none is named.
  public var firstPicture: PretrainedDescription.Picture {
    get throws(EncoderError) { try pictures(of: PretrainedDescription(contentsOf: folder))[0] }
  }

  /// The networks it stands for, one of them where one is named.
  func pictures(of description: PretrainedDescription) throws(EncoderError) -> [PretrainedDescription.Picture] {
    guard let network else { return description.pictures }
    let found = description.pictures.filter { $0.name == network }
    guard !found.isEmpty else {
      throw .unknownNetwork(run: folder, name: network, known: description.pictures.map(\.name))
    }
    return found
  }
}
