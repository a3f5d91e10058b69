import Foundation

/// Why a training or an evaluation could not be done.
public enum TrainingError: Error, CustomStringConvertible {
  case diverged(stage: String, epoch: Int, learningRate: Double)
  case unusableCheckpoint(file: URL, reason: String)
  case unknownTask(String, available: [String], dataset: URL)
  case outputExists(URL)
  case recipeChanged(URL)
  case dataChanged(URL)
  case filesChanged(URL)
  case notARun(URL, reason: String)
  case noMemes(split: String, task: String)
  case noLabels(_ amount: Double, task: String)
  case dataUnnamed
  case invalid(String)

  public var description: String {
    switch self {
    case .diverged(let stage, let epoch, let rate):
      "the loss of stage '\(stage)' is no longer a number in epoch \(epoch): lower its learning_rate (now \(rate))"
    case .unusableCheckpoint(let file, let reason):
      "\(file.path): \(reason). Delete the run folder and train again"
    case .unknownTask(let name, let available, let dataset):
      "\(dataset.path) has no task '\(name)'. Its tasks: \(available.joined(separator: ", "))"
    case .outputExists(let folder):
      "\(folder.path) is not empty. Give --resume to go on with that run, or another --output"
    case .recipeChanged(let folder):
      "\(folder.path) was begun with another recipe (see its recipe.yaml). Resume with the same options, or give "
        + "another --output"
    case .dataChanged(let folder):
      "\(folder.path) was begun on other rows: memes, labels or splits of the dataset have changed since. Take the change back "
        + "to resume, or give another --output"
    case .filesChanged(let folder):
      "\(folder.path) was begun with other bytes in the files of weights or regions that its recipe names. Put them back to "
        + "resume, or give another --output"
    case .notARun(let folder, let reason):
      "\(folder.path) is not a finished run: \(reason). Train one with: memesense train --output \(folder.path) …"
    case .noMemes(let split, let task):
      "there are no memes labelled for '\(task)' in the \(split) split"
    case .noLabels(let amount, let task):
      "\(amount) of the training memes labelled for '\(task)' rounds to none: give more --labels"
    case .dataUnnamed:
      "no dataset is named: give --data PATH, or set 'data' in the recipe"
    case .invalid(let message): message
    }
  }
}
