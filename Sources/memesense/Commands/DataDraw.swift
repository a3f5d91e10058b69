import ArgumentParser
import Foundation
import MemeData
import Training

extension DataCommand {
  /// `memesense data draw`: the demo's memes as a dataset.
  struct DataDraw: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "draw",
      abstract: "Draw memes with known captions and labels into a new folder.",
      discussion: """
        The corpus of 'memesense demo', in the layout of Hugging Face datasets: images/ and metadata.jsonl with file_name,
        text, mean (0 or 1) and split. The same number of memes gives the same files.
          memesense data draw memes --memes 500
          memesense train --data memes --task mean --labels 0.1 --output runs/drawn
        """)

    @Argument(help: "The folder to make.", completion: .directory)
    var folder: String

    @Option(help: "How many memes, 1 to 100000.")
    var memes = 2000

    @OptionGroup var display: OutputOptions

    func validate() throws {
      guard (1...100_000).contains(memes) else { throw ValidationError("--memes must lie in 1...100000.") }
    }

    private struct Result: Encodable {
      var folder: String
      var memes: Int
    }

    func run() throws {
      let target = URL(fileURLWithPath: folder)
      try DemoCorpus(memeCount: memes).write(to: target, observer: display.observer)
      if display.json {
        try Console.printJSON(Result(folder: target.path, memes: memes))
      } else {
        try Console.print("\(memes) memes in \(folder); 'memesense data inspect \(folder)' shows them")
      }
    }
  }
}
