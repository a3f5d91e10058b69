import Foundation

/// Everything a report shows, and the self-contained HTML page made of it.
///
/// The page carries its pictures, charts and style with it, asks the network for nothing and runs no script; its
/// content security policy holds browsers to that. Every text may come from a stranger's data set and is escaped.
public struct ReportPage: Sendable {
  public let title: String
  /// The finding in a sentence or two.
  public let summary: String
  public var comparisons: [Comparison]
  /// Tables of text below the charts.
  public var tables: [PlainTable]
  public var charts: [any Chart]
  public var gallery: [GalleryItem]
  /// What to type next.
  public var nextSteps: [NextStep]
  public let provenance: Provenance

  public init(
    title: String, summary: String, comparisons: [Comparison] = [], charts: [any Chart] = [],
    tables: [PlainTable] = [], gallery: [GalleryItem] = [], nextSteps: [NextStep] = [], provenance: Provenance
  ) {
    self.title = title
    self.summary = summary
    self.comparisons = comparisons
    self.tables = tables
    self.charts = charts
    self.gallery = gallery
    self.nextSteps = nextSteps
    self.provenance = provenance
  }

  /// A command with what it does.
  public struct NextStep: Sendable {
    public let purpose: String
    public let command: String

    public init(purpose: String, command: String) {
      self.purpose = purpose
      self.command = command
    }
  }

  /// Where the numbers come from.
  public struct Provenance: Sendable {
    public let command: String
    public let date: Date
    public let machine: String
    public let seeds: [Int]
    /// Further rows, such as the data set or the encoder.
    public let details: [(name: String, value: String)]

    public init(
      command: String, date: Date, machine: String, seeds: [Int], details: [(name: String, value: String)] = []
    ) {
      self.command = command
      self.date = date
      self.machine = machine
      self.seeds = seeds
      self.details = details
    }
  }
}
