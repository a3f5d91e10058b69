import ArgumentParser
import Foundation
import Methods
import Training

/// `memesense recipe`: the recipes that come with the program, and checks of one's own.
struct RecipeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "recipe", abstract: "List, show and check recipes.",
    discussion: """
      A recipe is one YAML file that a run depends on entirely. Start from a shipped one:
        memesense recipe show semimemes-lite > mine.yaml
        memesense recipe validate mine.yaml
        memesense train --recipe mine.yaml --data PATH --output RUN
      """,
    subcommands: [List.self, Show.self, Validate.self])

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Name the shipped recipes and the methods.")

    @Flag(help: "Print one JSON object instead of a list.")
    var json = false

    func run() throws {
      let (names, pretraining) = try (RecipeLibrary.names, PretrainingLibrary.names)
      if json {
        return try Console.printJSON([
          "recipes": names, "methods": MethodCatalog.all.map { $0.name }, "pretraining_recipes": pretraining,
          "pretraining_methods": PretrainingCatalog.all.map { $0.name },
        ])
      }
      func list(_ title: String, _ lines: [String]) -> String {
        ([title] + lines.map { "  \($0)" }).joined(separator: "\n")
      }
      try Console.print(
        [
          list("Recipes", names), list("Recipes of 'memesense pretrain'", pretraining),
          list("Methods", MethodCatalog.all.map { "\($0.name): \($0.summary)" }),
          list("Methods of 'memesense pretrain'", PretrainingCatalog.all.map { "\($0.name): \($0.summary)" }),
        ].joined(separator: "\n\n"))
    }
  }

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Print a shipped recipe.")

    @Argument(help: "A name from 'memesense recipe list'.")
    var name: String

    @Flag(help: "Print one JSON object, without the comments, instead of YAML.")
    var json = false

    func run() throws {
      if let text = try PretrainingLibrary.text(named: name) {
        if json { return try Console.printJSON(try PretrainingRecipe(yaml: text, source: name)) }
        return try Console.write(Data(text.utf8))
      }
      let text = try RecipeLibrary.text(named: name)
      if json { return try Console.printJSON(try Recipe(yaml: text, source: name)) }
      try Console.write(Data(text.utf8))
    }
  }

  struct Validate: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Check a recipe: every key known, none missing, every value of its type.")

    @Argument(help: "A YAML file.", completion: .file(extensions: ["yaml", "yml"]))
    var file: String

    @Flag(help: "Print the recipe as one JSON object instead of a line about it.")
    var json = false

    func run() throws {
      let text = try RecipeLibrary.text(of: file)
      if PretrainingRecipe.isMeant(by: text) {
        let recipe = try PretrainingRecipe(yaml: text, source: file)
        if json { return try Console.printJSON(recipe) }
        return try Console.print("\(file): a recipe for 'memesense pretrain' with \(recipe.methodName)")
      }
      let recipe = try Recipe(yaml: text, source: file)
      if json { return try Console.printJSON(recipe) }
      try Console.print("\(file): a recipe for \(recipe.methodName) on the encoder '\(recipe.encoder)'")
    }
  }
}
