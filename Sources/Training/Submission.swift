import Foundation
import MemeData
import Metrics

/// What a competition takes as an answer: a file with a row a meme.
public enum Submission: String, Sendable, CaseIterable {
  /// Hateful Memes (Kiela et al., 2020): a CSV file of `id,proba,label`.
  case hatefulMemes = "hateful-memes"
  /// MAMI (SemEval-2022 task 5): tabs between the file name and 0 or 1 for `misogynous`, and for task B for the four
  /// kinds behind it; no header.
  case mami

  /// The file.
  ///
  /// - Parameters:
  ///   - predictions: for each meme, by task: what all tasks of a model say of it.
  ///   - taskAOnly: whether MAMI's file ends with the first column.
  /// - Throws: ``TrainingError/invalid(_:)`` where predictions are of other labels, or an id cannot stand in such a file.
  public func file(_ predictions: [[Prediction]], taskAOnly: Bool = false) throws -> Data {
    try check(predictions.compactMap { $0.first?.id })
    switch self {
    case .hatefulMemes: return try hatefulMemes(predictions)
    case .mami: return try mami(predictions, labels: taskAOnly ? [MAMI.taskALabel] : MAMI.labels)
    }
  }

  private func hatefulMemes(_ predictions: [[Prediction]]) throws -> Data {
    let rows = try predictions.map { each in
      guard let prediction = each.first, prediction.label == nil, prediction.probabilities.count == 1,
        let (label, probability) = prediction.probabilities.first
      else {
        throw TrainingError.invalid(
          "a file for Hateful Memes is of one yes-or-no label, and the run predicts "
            + "\(each.flatMap(\.probabilities.keys).sorted().joined(separator: ", ")): give a run of a binary task")
      }
      return "\(prediction.id),\(probability),\(prediction.labels[label]!)\n"
    }
    return Data(("id,proba,label\n" + rows.joined()).utf8)
  }

  private func mami(_ predictions: [[Prediction]], labels: [String]) throws -> Data {
    let rows = try predictions.map { each in
      var decisions = each.reduce(into: [String: Int]()) { $0.merge($1.labels) { first, _ in first } }
      // A model of the kinds alone: who is shamed, stereotyped and so on, is wronged.
      let kinds = MAMI.kinds.compactMap { decisions[$0] }
      if decisions[MAMI.taskALabel] == nil, kinds.count == MAMI.kinds.count {
        decisions[MAMI.taskALabel] = kinds.max()
      }
      let columns = try labels.map { label in
        guard let decision = decisions[label] else {
          throw TrainingError.invalid(
            "a file for MAMI has the columns \(labels.joined(separator: ", ")), and the run does not predict '\(label)'"
              + (labels.count > 1 && decisions[MAMI.taskALabel] != nil ? ": give --task-a for the first one alone" : "")
          )
        }
        return "\(decision)"
      }
      return ([each[0].id] + columns).joined(separator: "\t") + "\n"
    }
    return Data(rows.joined().utf8)
  }

  private func check(_ ids: [String]) throws {
    guard !ids.isEmpty else { throw TrainingError.invalid("there is no meme to predict: give another --split") }
    // Of scalars, since a line break of two is one character.
    let separators = Set("\t\n\r,\"".unicodeScalars)
    if let id = ids.first(where: { $0.isEmpty || $0.unicodeScalars.contains(where: separators.contains) }) {
      throw TrainingError.invalid(
        "the id '\(id)' cannot stand in such a file: it has a tab, comma, quote or line break")
    }
  }
}
