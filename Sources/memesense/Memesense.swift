import ArgumentParser
import Foundation
import Training

import enum Torch.Runtime

/// The command line.
@main
struct Memesense: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "memesense",
    abstract: "Learn to read memes from few labels.",
    discussion: """
      A folder of memes (images, their text, some labels) becomes a trained and scored classifier:

        memesense data inspect PATH                   what is in a dataset, and what is wrong with it
        memesense data audit PATH                     duplicates, leaks between splits, doubtful labels
        memesense pretrain --method dino …            an encoder from pictures without labels
        memesense train --data PATH --task harmful --labels 0.05 --output runs/first
        memesense evaluate runs/first                 scores on the test split
        memesense predict runs/first meme.jpg --text "the words on it"
        memesense serve runs/first                    the same over HTTP
        memesense label labels.sqlite --data PATH     label memes in the browser

      No memes at hand? 'memesense demo' draws some, trains on them and writes a report.
      Results go to standard output, everything else to standard error. Exit status: 0 done, 1 a leak into the test
      split or a benchmark with failed cells, 64 wrong usage, 65 unusable data, 66 missing input, 70 a fault of the
      program, 71 not enough memory.
      """,
    subcommands: [
      Demo.self, DataCommand.self, Embed.self, Pretrain.self, Train.self, Evaluate.self, Predict.self, Serve.self,
      LabelCommand.self, Export.self,
      OCR.self, ScoreCommand.self, Benchmark.self, RecipeCommand.self, EncodersCommand.self, TimeStep.self,
    ]
  )

  static func main() {
    // A pipe that nobody reads any more is an error of whoever writes results, and no reason to end a training.
    signal(SIGPIPE, SIG_IGN)
    Runtime.onExhaustedMemory { reason in
      Console.error(
        """
        error: not enough memory: \(reason)
        Lower the recipe's batch_size (or set settings.fine_tuning.micro_batch where the method has it), a benchmark's --jobs, \
        or the precision. What checkpoints hold is kept: --resume goes on there.
        """)
      // Other threads compute on: what exit() tears down would pull the ground from under them.
      _exit(ExitStatus.exhausted.code)
    }
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch let code as ExitCode {
      exit(withError: code)  // all has been said
    } catch {
      let status = ExitStatus(of: error)
      if case .parser = status { exit(withError: error) }
      Console.error("error: \(ExitStatus.message(of: error))")
      Foundation.exit(status.code)
    }
  }
}
