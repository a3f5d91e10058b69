import Foundation

/// One training and scoring of a benchmark: one method on one dataset and encoder, at one number of labels, with one
/// seed.
public struct BenchmarkCell: Sendable {
  /// Where a cell stands in its suite.
  public struct Place: Codable, Sendable, Hashable {
    public var dataset: String
    public var task: String?
    public var method: String
    /// As the suite names it.
    public var encoder: String
    /// What the method's networks start from, as the suite names it; `nil` where its recipe says that.
    public var start: String?
    public var labels: Double
    public var seed: UInt64

    /// The same at any seed: what a mean is taken over.
    public var withoutSeed: Place {
      var place = self
      place.seed = 0
      return place
    }

    /// Where such a cell lies under the benchmark's folder; places whose names differ in other signs than letters, digits, dots
    /// and hyphens share it.
    var path: String {
      let corpus = [dataset, task].compactMap(\.self).map(BenchmarkCell.fileName)
      let name = [method, encoder, start, BenchmarkCell.text(labels), "\(seed)"].compactMap(\.self)
        .map(BenchmarkCell.fileName)
      return "cells/\(corpus.joined(separator: "-"))/\(name.joined(separator: "-"))"
    }
  }

  public let place: Place
  /// The complete recipe, as `memesense train` would resolve it.
  public let recipe: Recipe
  /// The name of the recipe that it was made from.
  public let recipeName: String
  /// Paths of the pretrainings whose networks it takes.
  let needs: [String]
  /// Where it lies under the benchmark's folder; `memesense evaluate` takes it as a run.
  public let path: String

  init(place: Place, recipe: Recipe, recipeName: String, needs: [String]) {
    self.place = place
    self.recipe = recipe
    self.recipeName = recipeName
    self.needs = needs
    path = place.path
  }

  /// A name with everything but letters, digits, dots and hyphens replaced.
  private static func fileName(_ name: String) -> String {
    let kept = name.map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == ".") ? $0 : "-" }
    return kept.first == "." ? "-" + String(kept.dropFirst()) : String(kept)
  }

  /// A number of labels as people write it: `0.05`, `150`.
  static func text(_ labels: Double) -> String { labels > 1 ? "\(Int(labels.rounded()))" : "\(labels)" }
}

extension BenchmarkCell.Place: CustomStringConvertible {
  public var description: String {
    [dataset, task, method, encoder, start, labelText, "seed \(seed)"].compactMap(\.self).joined(separator: " · ")
  }

  /// `5 %` or `150 labels`.
  public var labelText: String { Self.text(labels: labels) }

  static func text(labels: Double) -> String {
    guard labels <= 1 else { return "\(BenchmarkCell.text(labels)) labels" }
    // Hundredths of a per cent are finer than anyone asks for and hide what binary fractions do to 0.07.
    let percent = (labels * 10_000).rounded() / 100
    return percent == percent.rounded() ? "\(Int(percent)) %" : "\(percent) %"
  }
}

extension Collection<BenchmarkCell.Place> {
  /// What a table of these places calls the method of one of them: with its encoder where there are several, and with what
  /// its networks start from, beside which an encoder says something only where the method itself has several.
  public func methodLabel(of place: BenchmarkCell.Place) -> String {
    let rivals = filter { place.start == nil || $0.method == place.method }
    let hasSeveralEncoders = Set(rivals.map(\.encoder)).count > 1
    return [place.method, hasSeveralEncoders ? place.encoder : nil, place.start].compactMap(\.self)
      .joined(separator: " · ")
  }
}
