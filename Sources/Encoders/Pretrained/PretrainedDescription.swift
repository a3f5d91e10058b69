import Foundation
import Networks
import Torch

/// What a pretraining left behind: `encoder.json` of its run folder, beside a safetensors file for each network.
public struct PretrainedDescription: Codable, Sendable, Equatable {
  /// A network for pictures, with one for texts where both were trained together.
  public struct Network: Codable, Sendable, Equatable {
    /// Names its file, and chooses it in `RUN:name`.
    public var name: String
    public var backbone: Backbone
    /// Rows and columns of the pictures it was trained on, which those to encode are squashed to.
    public var side: Int
    /// The network for texts, whose first token's state is a text's vector; `nil` where another encoder reads them.
    public var text: TextArchitecture?

    public init(name: String, backbone: Backbone, side: Int, text: TextArchitecture? = nil) {
      self.name = name
      self.backbone = backbone
      self.side = side
      self.text = text
    }
  }

  /// The layout of the files; readers refuse a newer one.
  public var formatVersion = 1
  /// The first is taken where none is named.
  public var networks: [Network]
  /// The encoder that reads texts, or whose tokenizer networks for texts read by.
  public var textEncoder: String

  public init(networks: [Network], textEncoder: String) {
    self.networks = networks
    self.textEncoder = textEncoder
  }

  enum CodingKeys: String, CodingKey {
    case networks
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
  public static func file(of network: Network, in folder: URL) -> URL {
    folder.appending(path: "\(network.name).safetensors")
  }

  /// The weights of a network's part for texts.
  public static func textFile(of network: Network, in folder: URL) -> URL {
    folder.appending(path: "\(network.name)-text.safetensors")
  }

  /// What no network can be made of; `nil` where one can.
  private var fault: String? {
    guard formatVersion == 1 else {
      return "its format_version is \(formatVersion) and this program reads 1; update it"
    }
    guard !networks.isEmpty else { return "it names no network for pictures" }
    for network in networks {
      guard network.name.wholeMatch(of: /[a-z]+/) != nil else {
        return "a network is named '\(network.name)'; expected small letters alone"
      }
      let patch = network.backbone.patch ?? 1
      guard (16...2048).contains(network.side), network.side.isMultiple(of: patch) else {
        return "\(network.name): a side of \(network.side); expected 16 to 2048, and a multiple of \(patch)"
      }
      if let fault = network.text?.fault { return "\(network.name): text.\(fault)" }
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

  /// The networks it stands for, one of them where one is named.
  public var networks: [PretrainedDescription.Network] {
    get throws(EncoderError) {
      let all = try PretrainedDescription(contentsOf: folder).networks
      guard let network else { return all }
      let found = all.filter { $0.name == network }
      guard !found.isEmpty else {
        throw EncoderError.unknownNetwork(run: folder, name: network, known: all.map(\.name))
      }
      return found
    }
  }

  /// The network it stands for, the first one where none is named.
  public var firstNetwork: PretrainedDescription.Network {
    get throws(EncoderError) { try networks[0] }
  }

  /// The description and the weights of the networks it stands for.
  public var files: [URL] {
    get throws(EncoderError) {
      let networks = try networks
      return [folder.appending(path: PretrainedDescription.fileName)]
        + networks.flatMap { network in
          [PretrainedDescription.file(of: network, in: folder)]
            + (network.text == nil ? [] : [PretrainedDescription.textFile(of: network, in: folder)])
        }
    }
  }

  /// The weights of the network for texts beside the one for pictures of a backbone, or beside the first where none is of that.
  /// They stay in the mapped file.
  ///
  /// - Throws: `CheckpointError` or ``EncoderError`` that says what is missing.
  public func textWeights(beside backbone: Backbone? = nil) throws -> [String: Tensor] {
    let networks = try networks
    let network = networks.first { $0.backbone == backbone } ?? networks[0]
    guard network.text != nil else { throw EncoderError.noTextNetwork(run: folder, name: network.name) }
    return try Checkpoint(contentsOf: PretrainedDescription.textFile(of: network, in: folder), isMapped: true).tensors
  }
}
