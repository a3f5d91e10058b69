import Foundation

/// Everything a report shows, and the self-contained HTML page made of it.
///
/// The page carries its pictures, style, data and charting library with it and asks the network for nothing; its content
/// security policy holds browsers to that and lets no script run but the two of the page, named by their hashes. Every
/// text may come from a stranger's data set: in HTML it is escaped, in data it is JSON that the script only ever sets as
/// text.
public struct ReportPage: Sendable {
  public let title: String
  /// The finding in a sentence or two, or of each of several tasks on a line of its own.
  public let summary: String
  public let sections: [Section]
  /// What to type next.
  public let nextSteps: [NextStep]
  public let provenance: Provenance

  public init(
    title: String, summary: String, sections: [Section], nextSteps: [NextStep] = [], provenance: Provenance
  ) {
    self.title = title
    self.summary = summary
    self.sections = sections
    self.nextSteps = nextSteps
    self.provenance = provenance
  }

  /// A part of a page under a heading of its own. Without blocks that show something it is left out.
  public struct Section: Sendable {
    public let title: String
    public let blocks: [Block]

    public init(_ title: String, _ blocks: [Block]) {
      self.title = title
      self.blocks = blocks
    }
  }

  /// What a section is made of.
  public enum Block: Sendable {
    case comparison(Comparison)
    case table(PlainTable)
    case charts([any Chart])
    case thresholds(ThresholdExplorer)
    case gallery(Gallery)
    /// A sentence for the reader.
    case note(String)
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
