import Encoders
import MemeData
import Training

/// What a model says of a meme, and what of the meme moved it, by the answers to a ``MemeOcclusion``.
struct MemeExplanation: Sendable {
  /// A word, and by how much the score fell without it.
  struct Word: Sendable, Equatable {
    var text: String
    var effect: Double
  }

  /// A labelled meme, and how like it is (-1 to 1).
  typealias Neighbour = (meme: Int64, similarity: Double)

  var prediction: Prediction
  /// Of a meme that has both modalities, as is ``textAlone``.
  var imageAlone: Prediction?
  var textAlone: Prediction?
  /// The likeliest label, which the effects are about; the first of equals in the task's order.
  var label: String
  var words: [Word]
  /// Whether there are more words than were tried.
  var isTextCut: Bool
  /// By how much the score fell without each cell of the grid over the picture, row by row; none without a picture.
  var cells: [Double]
  /// The picture as it is shown, small.
  var picture: RGBImage?
  /// The labelled memes most like it.
  var neighbours: [Neighbour] = []

  /// Asks a model.
  ///
  /// - Parameters:
  ///   - task: a name among the tasks of the model.
  ///   - nearest: finds the labelled memes most like features.
  /// - Throws: ``APIError``.
  init(
    of meme: MemeInput, by service: ModelService, task: String, decoder: ImageDecoder,
    nearest: @escaping @Sendable (FeatureTable) -> [Neighbour]
  ) async throws {
    let model = service.current
    guard meme.picture == nil || !model.readsDetectorFile else {
      throw APIError.invalid(
        "the model reads regions that a detector found in pictures and has none of changed ones, so that what moves it cannot "
          + "be told; POST /v1/predict says what it thinks of the pictures that the detector has seen")
    }
    let occlusion = try await service.onPool { try MemeOcclusion(of: meme, decoder: decoder) }
    let answers = try await service.predictions(for: occlusion.queries, from: model)
    self.init(of: occlusion, answers: answers, task: task, of: model.facts.tasks)
    neighbours = try await service.onPool { try model.features(of: meme, decoder: decoder).map(nearest) ?? [] }
  }

  /// - Parameters:
  ///   - answers: one for each of the occlusion's queries, in their order.
  ///   - task: the name of the task that is explained.
  ///   - tasks: the model's, the first of which the answers speak of themselves.
  init(of occlusion: MemeOcclusion, answers: [Prediction], task name: String, of tasks: [LabelTask]) {
    let task = tasks.first { $0.name == name } ?? tasks[0]
    var rest = answers.map { task == tasks[0] ? $0 : $0.tasks?[name] ?? $0 }[...]
    prediction = rest.removeFirst()
    let row = prediction.probabilities
    let label = task.labels.reduce(task.labels[0]) { best, next in row[next]! > row[best]! ? next : best }
    func score(_ prediction: Prediction) -> Double { prediction.probabilities[label]! }
    let unchanged = score(rest.removeFirst())
    if occlusion.alone != nil { (imageAlone, textAlone) = (rest.removeFirst(), rest.removeFirst()) }
    let effects = rest.map { unchanged - score($0) }
    words = zip(occlusion.words, effects).map { Word(text: $0, effect: $1) }
    cells = Array(effects.dropFirst(occlusion.words.count))
    self.label = label
    isTextCut = occlusion.isTextCut
    picture = occlusion.picture
  }
}
