import Foundation
import MemeData
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

    enum CodingKeys: String, CodingKey {
      case name, summary, files
      case imageWidth = "image_width"
      case textWidth = "text_width"
    }
  }

  public static let entries = [
    Entry(
      name: "lite", summary: "EfficientNet-Lite0 (ImageNet) and all-MiniLM-L6-v2: small, fast on any processor",
      imageWidth: 1280, textWidth: 384,
      files: [
        "efficientnet-lite0/efficientnet-lite0-57934424.pth", "minilm-l6/model.safetensors", "minilm-l6/vocab.txt",
        "minilm-l6/config.json",
      ])
  ]

  public static func entry(named name: String) throws(EncoderError) -> Entry {
    guard let entry = entries.first(where: { $0.name == name }) else {
      throw .unknown(name: name, known: entries.map(\.name))
    }
    return entry
  }

  /// A pair whose files are at hand; its networks are loaded when they are first needed.
  public static func pair(
    named name: String, computation: Computation = Computation()
  ) throws(EncoderError) -> EncoderPair {
    let entry = try entry(named: name)
    let folder = try folder(of: entry)
    return EncoderPair(
      name: name, computation: computation,
      image: .init(
        width: entry.imageWidth, files: [folder.appending(path: entry.files[0])],
        preprocessing: "squash 224, bicubic uint8, (x-127)/128, mean of the last map"
      ) {
        let file = folder.appending(path: entry.files[0])
        return try naming(file) { try EfficientNetLiteEncoder(checkpoint: file, computation: computation) }
      },
      text: .init(
        width: entry.textWidth, files: entry.files[1...].map { folder.appending(path: $0) },
        preprocessing: "wordpiece 128, masked mean, normalised"
      ) {
        try naming(folder.appending(path: entry.files[1])) {
          try MiniLM(folder: folder.appending(path: "minilm-l6"), computation: computation)
        }
      })
  }

  /// Says which file a network's weights came from when they do not fit.
  private static func naming<Encoder>(_ file: URL, _ load: () throws -> Encoder) throws -> Encoder {
    do { return try load() } catch let error as ParameterMismatch {
      throw EncoderError.invalidWeights(file, reason: error.description)
    }
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
    if let named = ProcessInfo.processInfo.environment["MEMESENSE_ENCODERS"] { return [URL(fileURLWithPath: named)] }
    let program = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
    let executable = (Bundle.main.executableURL ?? program).resolvingSymlinksInPath()
    let starts = [
      executable.deletingLastPathComponent(), URL(fileURLWithPath: FileManager.default.currentDirectoryPath),
    ]
    var folders = starts.flatMap(\.selfAndAncestors).map { $0.appending(path: ".dependencies/encoders") }
      .filter { FileManager.default.fileExists(atPath: $0.path) }
    folders.append(Self.userFolder)
    return folders
  }

  /// Where `memesense encoders get` puts files.
  public static var userFolder: URL { cacheRoot.appending(path: "encoders") }

  /// `~/.cache/memesense`, or below `XDG_CACHE_HOME`.
  public static var cacheRoot: URL {
    let base =
      ProcessInfo.processInfo.environment["XDG_CACHE_HOME"].map { URL(fileURLWithPath: $0) }
      ?? FileManager.default.homeDirectoryForCurrentUser.appending(path: ".cache")
    return base.appending(path: "memesense")
  }
}

extension URL {
  /// This folder and those above it, the innermost first.
  fileprivate var selfAndAncestors: [URL] {
    var folders = [self]
    while let last = folders.last, last.path.hasPrefix("/"), last.path != "/" {
      folders.append(last.deletingLastPathComponent())
    }
    return folders
  }
}
