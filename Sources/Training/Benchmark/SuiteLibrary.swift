import Foundation

/// The suites that come with the program.
public enum SuiteLibrary {
  private static let folder = ResourceFolder(name: "Suites", what: "suites")

  /// Their names, sorted.
  public static var names: [String] {
    get throws { try folder.names }
  }

  /// A shipped suite's text, comments included.
  ///
  /// - Throws: ``RecipeError`` naming the suites there are.
  public static func text(named name: String) throws -> String {
    guard let text = try folder.text(named: name) else {
      throw RecipeError(
        description: "there is no suite '\(name)'; there are \(try names.joined(separator: ", ")). For a file of your "
          + "own give its path, such as ./\(name).yaml")
    }
    return text
  }
}
