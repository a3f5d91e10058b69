import Foundation

/// The recipes that come with the program.
public enum RecipeLibrary {
  /// Their names, sorted.
  public static var names: [String] {
    get throws {
      try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        .filter { $0.pathExtension == "yaml" }.map { $0.deletingPathExtension().lastPathComponent }.sorted()
    }
  }

  /// A shipped recipe's text, comments included.
  ///
  /// - Throws: ``RecipeError`` naming the recipes there are.
  public static func text(named name: String) throws -> String {
    let known = try names
    guard known.contains(name) else {
      throw RecipeError(description: "there is no recipe '\(name)'; there are \(known.joined(separator: ", "))")
    }
    return try String(contentsOf: folder.appending(path: "\(name).yaml"), encoding: .utf8)
  }

  /// The recipe that a method is trained by on an encoder unless told otherwise: `<method>-<encoder>`, or for an
  /// encoder without recipes of its own the one for CLIP, whose settings are the published ones.
  public static func defaultName(method: String, encoder: String) throws -> String {
    let known = try names
    let candidates = ["\(method)-\(encoder)", "\(method)-clip", "\(method)-lite"]
    guard let name = candidates.first(where: known.contains) else {
      throw RecipeError(
        description: "there is no recipe for the method '\(method)'; 'memesense recipe list' shows those there are")
    }
    return name
  }

  /// The recipes lie in a resource folder beside the program. SwiftPM's own accessor ends the process where that folder
  /// is gone, so it is looked for here.
  private static var folder: URL {
    get throws {
      let program = Bundle.main.executableURL ?? URL(fileURLWithPath: CommandLine.arguments[0])
      let folders = [program.resolvingSymlinksInPath().deletingLastPathComponent(), Bundle.main.bundleURL]
        .map { $0.appending(path: "memesense_Training.resources/Recipes") }
      guard let folder = folders.first(where: { FileManager.default.fileExists(atPath: $0.path) }) else {
        throw RecipeError(
          description: "the shipped recipes are not at \(folders[0].path): install memesense_Training.resources beside "
            + "the program")
      }
      return folder
    }
  }
}
