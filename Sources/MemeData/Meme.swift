import Foundation

/// One meme: an image with the text that stands on it, and what people said of it.
///
/// Either modality may be missing (`nil`); every method handles that state. An empty string is a missing text.
public struct Meme: Sendable, Equatable, Identifiable {
  /// Unique within its dataset.
  public var id: String
  /// The image file, `nil` when the meme has none.
  public var image: URL? {
    get { imagePath.map { URL(filePath: $0, directoryHint: .notDirectory) } }
    set { imagePath = newValue?.path }
  }
  /// What ``image`` is kept as: a `URL` takes half a kilobyte, which counts when there are a hundred thousand.
  private var imagePath: String?
  /// The overlaid text as the dataset gives it, `nil` when the meme has none.
  public var text: String?
  /// Labels by task name. A task without an entry is unlabelled (or masked) for this meme.
  public var labels: [String: Label]
  /// The part of the dataset it belongs to, `nil` where the dataset does not say.
  public var split: Split?

  public init(id: String, image: URL?, text: String?, labels: [String: Label] = [:], split: Split? = nil) {
    self.id = id
    imagePath = image?.path
    self.text = text
    self.labels = labels
    self.split = split
  }
}

/// What one meme is labelled with for one task.
public enum Label: Sendable, Hashable {
  /// The positive class or not.
  case binary(Bool)
  /// The index of one class in ``LabelTask/labels``.
  case multiclass(Int)
  /// One truth value for each of ``LabelTask/labels``.
  case multilabel([Bool])
}

/// A question asked of every meme of a dataset.
public struct LabelTask: Sendable, Equatable, Codable {
  /// How labels of a task relate to each other.
  public enum Kind: String, Sendable, Codable, CaseIterable {
    case binary, multiclass, multilabel
  }

  public var name: String
  public var kind: Kind
  /// Class or label names in index order; a binary task has one, the name of its positive class.
  public var labels: [String]

  public init(name: String, kind: Kind, labels: [String]) {
    self.name = name
    self.kind = kind
    self.labels = labels
  }

  /// What is wrong with a task that comes from outside; `nil` where nothing is.
  public var fault: String? {
    guard !name.isEmpty else { return "a task has no name" }
    guard !labels.isEmpty, Set(labels).count == labels.count, labels.allSatisfy({ !$0.isEmpty }) else {
      return "the labels of the task '\(name)' are \(labels); they must be there and differ"
    }
    return switch kind {
    case .binary where labels.count > 1:
      "the task '\(name)' is binary and has \(labels.count) labels; expected one, what its positive class is called"
    case .multiclass where labels.count == 1:
      "the task '\(name)' is multiclass and has one label; expected at least two"
    default: nil
    }
  }
}

extension Sequence<LabelTask> {
  /// What is wrong with tasks that come from outside, one by one and beside each other; `nil` where nothing is.
  public var fault: String? {
    var names: Set<String> = []
    for task in self {
      if let fault = task.fault { return fault }
      guard names.insert(task.name).inserted else { return "the task '\(task.name)' stands twice" }
    }
    return nil
  }
}

/// A part of a dataset.
public enum Split: String, Sendable, Codable, CaseIterable {
  case train, validation, test
}
