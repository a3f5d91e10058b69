import Encoders
import MemeData
import Torch
import TorchNN

/// What a recipe's `method` names. A value is its settings: what a recipe's `settings` holds.
public protocol ConfiguredMethod: Codable, Sendable, Equatable {
  /// The name in recipes and on the command line.
  static var name: String { get }
  /// One line for people who choose.
  static var summary: String { get }

  /// What is wrong with the settings; `nil` where networks can be made and trained of them.
  var fault: String? { get }
}

/// A published way to learn to read memes from the features of frozen encoders.
///
/// Methods describe their training as stages and leave the loop, checkpoints and progress to the ``StageTrainer`` they
/// are given.
public protocol Method: ConfiguredMethod {
  associatedtype Model: Classifier

  /// Whether it is trained by epochs, among which one can be chosen.
  static var isTrainedByEpochs: Bool { get }
  /// Whether it learns several tasks of the same memes at once.
  static var learnsSeveralTasks: Bool { get }

  /// What the method reads of memes beside the features of whole pictures and texts.
  var request: FeatureRequest { get }

  /// What the network's layers must know of a problem: its ``Problem/shape``, unless they are made to measure.
  func shape(of problem: Problem) -> ProblemShape

  /// What its networks start from, as recipes name it; see ``initialValues()``.
  var initialWeights: [InitialWeights] { get }

  /// Values that parameters start from instead of random ones, by their path in the model: those of a pretrained network.
  func initialValues() throws -> [String: Tensor]

  /// The network for problems of `shape`, its parameters taken from `scope`.
  func model(for shape: ProblemShape, in scope: Scope) -> Model

  /// Why the method cannot learn from a problem, told before any work; `nil` where it can.
  func refusal(of problem: Problem) -> String?

  /// Trains `model` on the problem.
  func fit(_ model: Model, to problem: Problem, trainer: any StageTrainer) throws
}

/// A network that says how likely each label is.
public protocol Classifier {
  /// Probabilities [N, C], one row a meme; C is ``ProblemShape/outputCount``, with several tasks their columns side by
  /// side, on the device of the network. Memes may lack either modality.
  func probabilities(of features: FeatureTable) -> Tensor
}

/// A network that makes features of its own out of those of the encoders.
public protocol FeatureLearner {
  /// What it makes of memes, one row a meme; `nil` where its settings make it learn none.
  func learnedFeatures(of features: FeatureTable) -> Tensor?
}

/// What a network's layers must know of a problem.
public struct ProblemShape: Codable, Sendable, Equatable {
  public var imageWidth: Int
  public var textWidth: Int
  public var task: LabelTask
  /// Tasks learned beside ``task``; `nil` for none.
  public var furtherTasks: [LabelTask]?
  /// The features of a region; only methods that read regions have them.
  public var regionWidth: Int?
  /// The words that a method counts in texts; only methods that do have them.
  public var vocabulary: [String]?

  public init(
    imageWidth: Int, textWidth: Int, task: LabelTask, furtherTasks: [LabelTask] = [], regionWidth: Int? = nil,
    vocabulary: [String]? = nil
  ) {
    self.imageWidth = imageWidth
    self.textWidth = textWidth
    self.task = task
    self.furtherTasks = furtherTasks.isEmpty ? nil : furtherTasks
    self.regionWidth = regionWidth
    self.vocabulary = vocabulary
  }

  /// All tasks, ``task`` first.
  public var tasks: [LabelTask] { [task] + (furtherTasks ?? []) }

  enum CodingKeys: String, CodingKey {
    case task, vocabulary
    case furtherTasks = "further_tasks"
    case regionWidth = "region_width"
    case imageWidth = "image_width"
    case textWidth = "text_width"
  }

  /// What is wrong with a shape that came from a file; `nil` where networks can be made of it.
  public var fault: String? {
    let widths = [("image_width", imageWidth), ("text_width", textWidth), ("region_width", regionWidth ?? 0)]
    for (name, width) in widths where !(0...1_000_000).contains(width) {
      return "\(name) is \(width); it must be from 0 to 1000000"
    }
    return tasks.fault
  }

  /// Logits of the head for ``task``.
  public var outputCount: Int { task.outputCount }
}

extension LabelTask {
  /// Logits of a head: one for a binary task, else one for each label.
  public var outputCount: Int { kind == .binary ? 1 : labels.count }
}

/// A task with what is known of its labels.
public struct TaskLabels {
  public var task: LabelTask
  /// The label of each row of ``Problem/labelled``, `nil` where it has none for this task.
  public var labels: [Label?]

  public init(task: LabelTask, labels: [Label?]) {
    self.task = task
    self.labels = labels
  }
}

/// What a method learns from: the training memes' features, and labels for some of them.
public struct Problem {
  /// Every training meme, labelled or not.
  public var features: FeatureTable
  /// Rows of `features` that have a label, and what it is.
  public var labelled: [Int]
  public var labels: [Label]
  /// Rows of `features` whose label is unknown.
  public var unlabelled: [Int]
  /// The fraction that is labelled of the training memes that could be, which some schedules depend on.
  public var labelRatio: Double
  public var task: LabelTask
  /// Tasks to learn beside ``task``, as far as the same memes are labelled for them.
  public var further: [TaskLabels]
  public var seed: UInt64
  /// Where networks are trained; features are in host memory and are moved by whoever computes with them.
  public var device: Device

  public init(
    features: FeatureTable, labelled: [Int], labels: [Label], unlabelled: [Int], labelRatio: Double, task: LabelTask,
    further: [TaskLabels] = [], seed: UInt64, device: Device = .cpu
  ) {
    precondition(labelled.count == labels.count, "one label for each labelled row")
    precondition(further.allSatisfy { $0.labels.count == labelled.count }, "one label or none for each labelled row")
    self.features = features
    self.labelled = labelled
    self.labels = labels
    self.unlabelled = unlabelled
    self.labelRatio = labelRatio
    self.task = task
    self.further = further
    self.seed = seed
    self.device = device
  }

  public var shape: ProblemShape {
    ProblemShape(
      imageWidth: features.image.width, textWidth: features.text.width, task: task, furtherTasks: further.map(\.task),
      regionWidth: features.regions?.width)
  }

  /// The unlabelled memes that have both modalities.
  var unlabelledPairs: [Int] {
    unlabelled.filter { features.image.isPresent[$0] && features.text.isPresent[$0] }
  }
}

/// Why a method cannot learn from a problem.
public struct MethodError: Error, CustomStringConvertible {
  public var description: String
  public init(_ description: String) { self.description = description }
}

/// A trained network with the tensors that restore it.
public struct FittedModel {
  public var classifier: any Classifier
  /// What ``Method/model(for:in:)`` was given.
  public var shape: ProblemShape
  public var values: [String: Tensor]
}

extension Method {
  public static var isTrainedByEpochs: Bool { true }
  public static var learnsSeveralTasks: Bool { false }
  public var request: FeatureRequest { FeatureRequest() }

  public func refusal(of problem: Problem) -> String? { nil }

  public func shape(of problem: Problem) -> ProblemShape { problem.shape }

  public var initialWeights: [InitialWeights] { [] }

  public func initialValues() throws -> [String: Tensor] { [:] }

  /// Throws where ``fitted(to:trainer:)`` would, without any work.
  public func check(_ problem: Problem) throws {
    guard !problem.labelled.isEmpty else {
      throw MethodError("\(Self.name) needs labelled memes for the task '\(problem.task.name)'; there are none")
    }
    if let further = problem.further.first, !Self.learnsSeveralTasks {
      throw MethodError(
        "\(Self.name) learns one task, and '\(further.task.name)' is asked for too; several are learned by "
          + MethodCatalog.learnersOfSeveralTasks)
    }
    for further in problem.further where !further.labels.contains(where: { $0 != nil }) {
      throw MethodError(
        "none of the \(problem.labelled.count) labelled memes has a label for the task '\(further.task.name)' too")
    }
    if let reason = fault ?? refusal(of: problem) { throw MethodError("\(Self.name): \(reason)") }
  }

  /// Initialises a network from the problem's seed and trains it.
  public func fitted(to problem: Problem, trainer: any StageTrainer) throws -> FittedModel {
    try check(problem)
    let store = ParameterStore(
      initializingFrom: Generator(seed: problem.seed, parts: "initial"), given: try initialValues(),
      device: problem.device)
    let shape = shape(of: problem)
    let model = model(for: shape, in: store.root)
    do {
      try store.validate()
    } catch {
      throw MethodError(
        "\(Self.name): the weights to start from do not fit: \(error); give it the sizes that those have, or "
          + "--set settings.weights=random")
    }
    try fit(model, to: problem, trainer: trainer)
    return FittedModel(classifier: model, shape: shape, values: store.values)
  }

  /// A network restored from the values of a ``FittedModel``, on any device.
  public func restored(
    for shape: ProblemShape, from values: [String: Tensor], on device: Device = .cpu
  ) throws -> any Classifier {
    // Made without values first: sizes that a damaged file names and the values do not have take no memory.
    let rehearsal = ParameterStore(loading: values, device: .meta)
    _ = model(for: shape, in: rehearsal.root)
    try rehearsal.validate()
    let store = ParameterStore(loading: values, dtype: .float32, device: device)
    let model = model(for: shape, in: store.root)
    try store.validate()
    return model
  }
}
