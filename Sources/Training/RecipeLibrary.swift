import Encoders
import Foundation
import Methods

/// The recipes of pretraining that come with the program.
public enum PretrainingLibrary {
  private static let folder = ResourceFolder(name: "PretrainingRecipes", what: "recipes of pretraining")

  /// Their names, sorted.
  public static var names: [String] {
    get throws { try folder.names }
  }

  /// A shipped recipe's text, comments included; `nil` where there is none of that name.
  public static func text(named name: String) throws -> String? { try folder.text(named: name) }

  /// The text of a recipe file, or of a shipped recipe.
  ///
  /// - Throws: ``RecipeError`` naming the recipes there are.
  public static func text(of reference: String) throws -> String {
    if let text = try RecipeLibrary.fileText(of: reference) { return text }
    guard let text = try text(named: reference) else {
      throw RecipeError(
        description: "there is no recipe of pretraining '\(reference)'; there are \(try names.joined(separator: ", "))")
    }
    return text
  }

  /// The recipe that a method is trained by unless told otherwise: `<method>-lite`.
  public static func defaultText(method: String) throws -> String {
    guard let text = try text(named: "\(method)-lite") else {
      throw RecipeError(
        description: "there is no pretraining '\(method)'; there are "
          + PretrainingCatalog.all.map { $0.name }.joined(separator: ", "))
    }
    return text
  }
}

/// The recipes that come with the program.
public enum RecipeLibrary {
  /// Whether what is given for a recipe or a suite is a file by its looks, not the name of a shipped one.
  public static func isFile(_ reference: String) -> Bool {
    reference.hasSuffix(".yaml") || reference.hasSuffix(".yml") || reference.contains("/")
  }

  /// The text of a file that is there or is meant by its looks; `nil` where the name of a shipped recipe is meant.
  fileprivate static func fileText(of reference: String) throws -> String? {
    guard isFile(reference) || FileManager.default.fileExists(atPath: reference) else { return nil }
    return try String(contentsOf: URL(fileURLWithPath: reference), encoding: .utf8)
  }

  /// The text of a recipe file, or of a shipped recipe.
  ///
  /// - Throws: ``RecipeError`` naming the recipes there are.
  public static func text(of reference: String) throws -> String {
    try fileText(of: reference) ?? text(named: reference)
  }

  private static let folder = ResourceFolder(name: "Recipes", what: "recipes")

  /// Their names, sorted.
  public static var names: [String] {
    get throws { try folder.names }
  }

  /// A shipped recipe's text, comments included.
  ///
  /// - Throws: ``RecipeError`` naming the recipes there are.
  public static func text(named name: String) throws -> String {
    guard let text = try folder.text(named: name) else {
      throw RecipeError(
        description:
          "there is no recipe '\(name)'; there are \(try names.joined(separator: ", ")), and for pretraining "
          + (try PretrainingLibrary.names.joined(separator: ", ")))
    }
    return text
  }

  /// The recipe that a method is trained by on an encoder unless told otherwise: `<method>-<encoder>`, or for an
  /// encoder without recipes of its own the one for CLIP, whose settings are the published
  /// ones, else the small one. What a pretraining left has the small one: its features are of any scale, those of pictures and
  /// texts of two widths, and its text network reads no padding.
  ///
  /// - Parameter pretrainings: Names of pretrainings that may stand in the encoder's, beside finished runs.
  public static func defaultName(method: String, encoder: String, pretrainings: [String] = []) throws -> String {
    let known = try names
    let isPretrained = EncoderCatalog.sides(of: encoder).contains { side in
      pretrainings.contains(String(side.prefix { $0 != ":" })) || PretrainedRunName(side) != nil
    }
    let candidates = (isPretrained ? [] : ["\(method)-\(encoder)", "\(method)-clip"]) + ["\(method)-lite"]
    guard let name = candidates.first(where: known.contains) else {
      throw RecipeError(
        description: "there is no recipe for the method '\(method)'; 'memesense recipe list' shows those there are")
    }
    return name
  }
}
