import Foundation

/// A folder of YAML files that come with the program.
///
/// It lies in a resource folder beside the program. SwiftPM's own accessor ends the process where that folder is gone, so
/// it is looked for here.
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
    get throws {
      let program = Bundle.main.executableURL ?? URL(fileURLWithPath: CommandLine.arguments[0])
      let folders = [program.resolvingSymlinksInPath().deletingLastPathComponent(), Bundle.main.bundleURL]
        .map { $0.appending(path: "memesense_Training.resources/\(name)") }
      guard let folder = folders.first(where: { FileManager.default.fileExists(atPath: $0.path) }) else {
        throw RecipeError(
          description: "the shipped \(what) are not at \(folders[0].path): install memesense_Training.resources beside "
            + "the program")
      }
      return folder
    }
  }
}
