import Foundation

/// A folder of YAML files that come with the program.
struct ResourceFolder {
  let name: String
  /// What the files are, for errors.
  let what: String

  /// The files' names without their extension, sorted.
  var names: [String] {
    get throws {
      try FileManager.default.contentsOfDirectory(at: url, includingPropertiesForKeys: nil)
        .filter { $0.pathExtension == "yaml" }.map { $0.deletingPathExtension().lastPathComponent }.sorted()
    }
  }

  /// `nil` where there is no such file.
  func text(named file: String) throws -> String? {
    guard try names.contains(file) else { return nil }
    return try String(contentsOf: url.appending(path: "\(file).yaml"), encoding: .utf8)
  }

  private var url: URL {
    get throws { try ProgramResources.url(of: name, target: "Training", what: what) }
  }
}

/// What lies in resource folders beside the program.
public enum ProgramResources {
  /// A file or folder among the resources of a target.
  ///
  /// SwiftPM's own accessor ends the process where they are gone, so they are looked for here.
  ///
  /// - Parameter what: what it is, for errors.
  public static func url(of name: String, target: String, what: String) throws -> URL {
    let program = Bundle.main.executableURL ?? URL(fileURLWithPath: CommandLine.arguments[0])
    let bundle = "memesense_\(target).resources"
    let places = [program.resolvingSymlinksInPath().deletingLastPathComponent(), Bundle.main.bundleURL]
      .map { $0.appending(path: "\(bundle)/\(name)") }
    guard let place = places.first(where: { FileManager.default.fileExists(atPath: $0.path) }) else {
      throw RecipeError(
        description: "the shipped \(what) are not at \(places[0].path): install \(bundle) beside the program")
    }
    return place
  }
}
