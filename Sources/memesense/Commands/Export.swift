import ArgumentParser
import Checkpoints
import Foundation
import MemeData
import Training

import enum Torch.Device

/// `memesense export`: the file that a competition takes.
struct Export: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write a run's predictions as a competition takes them.",
    discussion: """
        memesense export runs/first --format hateful-memes --output answer.csv      id,proba,label
        memesense export runs/second --format mami --output answer.txt              file name, tab, five times 0 or 1
        memesense export runs/third --format mami --task-a --output answer.txt      file name, tab, misogynous

      All memes of the split are predicted, labelled or not. MAMI's five columns come from a run of the task 'misogyny', \
      or from one of 'subtypes', where a meme of any kind counts as misogynous. A calibrated run answers calibrated.
      """)

  @Argument(help: ArgumentHelp("A run's folder.", valueName: "run"), completion: .directory)
  var runFolder: String

  @Option(help: "hateful-memes or mami.")
  var format: Submission

  @Option(name: .shortAndLong, help: "The file to write.", completion: .file())
  var output: String

  @Option(help: "Another dataset than the run's own.", completion: .directory)
  var data: String?

  @Option(help: "The split to predict: train, validation or test.")
  var split: Split = .test

  @Flag(help: "Of MAMI, the column of task A alone.")
  var taskA = false

  @Flag(help: "Leave probabilities as the model gives them, and thresholds at one half.")
  var uncalibrated = false

  @Flag(name: .shortAndLong, help: "Say nothing of progress; errors remain.")
  var quiet = false

  func validate() throws {
    if taskA, format != .mami { throw ValidationError("--task-a is of --format mami.") }
  }

  func run() throws {
    let observer: any ProgressObserver = quiet ? WarningObserver() : ProgressDisplay()
    var bundle = try ModelBundle(URL(fileURLWithPath: runFolder))
    if uncalibrated { bundle.calibrations = nil }
    var recipe = bundle.description.recipe
    recipe.device = .cpu  // wherever it was trained
    if let data {
      recipe.data = URL(fileURLWithPath: data).standardizedFileURL.path
      recipe.splitFile = nil  // it lists memes of the run's own dataset
    }
    let corpus = try Corpus.load(recipe, splits: [split], observer: observer)
    let features = try corpus.features(in: split)
    try bundle.check(features)
    let predictions = bundle.predictions(of: features, ids: corpus.memes(in: split).map(\.id))
    try writeAtomically(format.file(predictions, taskAOnly: taskA), to: URL(fileURLWithPath: output))
    Console.error(
      "\(output): \(predictions.count) memes of the \(split.rawValue) split"
        + (bundle.calibrations == nil ? "" : ", calibrated"))
  }
}

extension Submission: ExpressibleByArgument {}
