import Foundation
import MemeData
import Metrics
import Report
import Training

extension Gallery {
  /// The labelled memes of a split: those that the first set has wrong come first, and of each kind the surest, with as
  /// many pictures as fit.
  ///
  /// - Parameter sets: predictions for the same memes, by who made them.
  init(_ sets: [(name: String, set: PredictionSet)]) {
    let first = sets[0].set
    let order = first.labelledRows.map { (row: $0, isRight: first.isRight($0), sureness: first.answer($0).probability) }
      .sorted { one, other in
        if one.isRight != other.isRight { return !one.isRight }
        return (one.sureness, other.row) > (other.sureness, one.row)
      }
    let thumbnails = Thumbnails(count: order.count)
    self.init(
      answerers: sets.map(\.name),
      items: order.map { entry in
        let meme = first.memes[entry.row]
        return GalleryItem(
          id: meme.id, text: meme.text, jpeg: meme.image.flatMap(thumbnails.next), hasPicture: meme.image != nil,
          truth: first.truthName(entry.row),
          answers: sets.map { _, set in
            let (label, probability) = set.answer(entry.row)
            return .init(label: label, probability: probability, isRight: set.isRight(entry.row))
          })
      })
  }
}

/// Makes small pictures until their bytes are as many as a page may have.
private final class Thumbnails {
  private let side: Int
  private var bytes = 0

  /// - Parameter count: how many are wanted; many are made smaller.
  init(count: Int) { side = count <= 300 ? 240 : 160 }

  /// `nil` where there is no room left, or for a picture that cannot be read: the report is of the model, not of the file.
  func next(_ file: URL) -> Data? {
    guard bytes < Gallery.pictureBudget, let data = FileManager.default.contents(atPath: file.path),
      let image = try? ImageDecoder().decode(data, name: file.lastPathComponent, leastSide: side),
      let jpeg = try? image.jpegData(quality: 70, maxSide: side)
    else { return nil }
    bytes += jpeg.count
    return jpeg
  }
}

extension PredictionSet {
  /// Whether every label of a meme is predicted as it is.
  func isRight(_ index: Int) -> Bool {
    let prediction = Prediction(id: "", probabilities: probabilities[index], task: task)
    switch memes[index].labels[task.name] {
    case .binary(let value): return prediction.labels[task.labels[0]] == (value ? 1 : 0)
    case .multiclass(let value): return prediction.label == task.labels[value]
    case .multilabel(let values):
      return task.labels.indices.allSatisfy {
        prediction.labels[task.labels[$0]] == (values[$0] ? 1 : 0)
      }
    case nil: return false
    }
  }

  /// The truth in words.
  func truthName(_ index: Int) -> String {
    switch memes[index].labels[task.name] {
    case .binary(let value): value ? task.labels[0] : "not \(task.labels[0])"
    case .multiclass(let value): task.labels[value]
    case .multilabel(let values):
      zip(task.labels, values).filter(\.1).map(\.0).joined(separator: ", ").nonEmpty ?? "none"
    case nil: "unlabelled"
    }
  }

  /// What is predicted in words, with its probability.
  func answer(_ index: Int) -> (name: String, probability: Double) {
    let row = probabilities[index]
    switch task.kind {
    case .binary: return row[0] > 0.5 ? (task.labels[0], row[0]) : ("not \(task.labels[0])", 1 - row[0])
    case .multiclass:
      let name = Prediction(id: "", probabilities: row, task: task).label ?? ""
      return (name, row.max() ?? 0)
    case .multilabel:
      let names = zip(task.labels, row).filter { $0.1 > 0.5 }
      return (names.map(\.0).joined(separator: ", ").nonEmpty ?? "none", row.map { max($0, 1 - $0) }.min() ?? 1)
    }
  }
}

extension String {
  fileprivate var nonEmpty: String? { isEmpty ? nil : self }
}
