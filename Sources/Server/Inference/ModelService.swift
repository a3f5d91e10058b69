import Encoders
import Foundation
import MemeData
import NIOPosix
import Synchronization
import Torch
import Training

/// Answers from the model that is served at the moment, and exchanges it.
///
/// A request keeps the model that it began with, so an exchange loses none: the old model goes when the last request that
/// holds it is answered.
final class ModelService: Sendable {
  /// A meme on its way through the batcher.
  private struct Query: Sendable {
    var model: ServedModel
    var meme: PreparedMeme
    var id: String
  }

  private let folder: URL
  private let device: Device
  private let served: Mutex<ServedModel>
  private let decoder: ImageDecoder
  private let batcher: Batcher<Query, Prediction>
  /// Threads that read requests and decode pictures.
  private let pool: NIOThreadPool
  /// Memes that requests have brought and that are not answered yet.
  private let memes: Budget
  private let deadline: Duration
  private let metrics: ServerMetrics

  init(run folder: URL, settings: ServerSettings, metrics: ServerMetrics) throws {
    self.folder = folder
    self.metrics = metrics
    device = settings.device
    let model = try ServedModel(run: folder, on: device)
    served = Mutex(model)
    metrics.show(model.facts)
    decoder = ImageDecoder(limits: .init(pixelCount: settings.pixelLimit, byteCount: settings.bodyLimit))
    let worker = InferenceWorker(metrics: metrics)
    batcher = Batcher(batchSize: settings.batchSize) { queries in await worker.answers(to: queries) }
    pool = NIOThreadPool(numberOfThreads: InferenceWorker.coreCount)
    pool.start()
    memes = Budget(settings.queueLimit)
    deadline = settings.deadline
  }

  deinit { pool.shutdownGracefully { _ in } }

  var current: ServedModel { served.withLock { $0 } }

  /// Memes that wait or are worked on.
  var load: Int { memes.inUse }

  /// Runs what takes a while on a thread where it holds nothing up.
  func onPool<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await pool.runIfActive(body)
  }

  /// When the answer to a request must be there whose last byte has come now.
  var nextDeadline: ContinuousClock.Instant { ContinuousClock.now + deadline }

  /// Runs `body`, which is cancelled at a deadline.
  ///
  /// - Throws: ``APIError`` where the deadline came first.
  func before<Value: Sendable>(
    _ end: ContinuousClock.Instant, _ body: @escaping @Sendable () async throws -> Value
  ) async throws -> Value {
    do {
      return try await withDeadline(end, clock: ContinuousClock(), body)
    } catch is DeadlineExceeded {
      throw APIError(
        status: .gatewayTimeout, code: "deadline_exceeded",
        message: "no answer within \(deadline); send fewer memes at once or try again later")
    }
  }

  /// One prediction a meme, in order.
  ///
  /// - Parameter end: the deadline; ``nextDeadline`` where it is `nil`.
  /// - Throws: ``APIError``: a picture that cannot be read, too many memes on the way, the deadline.
  func predictions(
    for inputs: [MemeInput], from model: ServedModel, before end: ContinuousClock.Instant? = nil
  ) async throws -> [Prediction] {
    let full = APIError.full("\(memes.capacity) memes wait for an answer already", retryAfter: 1)
    let answers: [Int: Prediction] = try await memes.with(inputs.count, orThrow: full) {
      try await before(end ?? nextDeadline) { [self] in
        try await withThrowingTaskGroup(of: (Int, Prediction).self) { group in
          for (index, input) in inputs.enumerated() {
            group.addTask { (index, try await self.prediction(for: input, from: model)) }
          }
          return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
      }
    }
    return answers.sorted { $0.key < $1.key }.map(\.value)
  }

  private func prediction(for input: MemeInput, from model: ServedModel) async throws -> Prediction {
    let decoder = decoder
    let meme = try await onPool { try model.prepared(input, decoder: decoder) }
    return try await batcher.answer(to: Query(model: model, meme: meme, id: input.id))
  }

  /// Loads the run's folder anew; a model that cannot be loaded leaves the old one in place.
  func reload() async throws -> ModelFacts {
    do {
      let model = try await onPool { [folder, device] in try ServedModel(run: folder, on: device) }
      served.withLock { $0 = model }
      metrics.show(model.facts)
      metrics.reloads.add(1, "done")
      return model.facts
    } catch {
      metrics.reloads.add(1, "failed")
      throw error
    }
  }

  /// The one that computes, on a thread of its own.
  private actor InferenceWorker {
    static let coreCount = ProcessInfo.processInfo.activeProcessorCount

    private let metrics: ServerMetrics

    init(metrics: ServerMetrics) { self.metrics = metrics }

    nonisolated var unownedExecutor: UnownedSerialExecutor { InferenceThread.shared.asUnownedSerialExecutor() }

    func answers(to queries: [Query]) -> [Result<Prediction, any Error>] {
      let start = ContinuousClock.now
      var answers: [Result<Prediction, any Error>] = []
      // After an exchange a batch may hold queries to two models.
      while answers.count < queries.count {
        let model = queries[answers.count].model
        let run = queries[answers.count...].prefix { $0.model === model }
        do {
          let predictions = try model.predictions(
            for: run.map(\.meme), ids: run.map(\.id), cores: Self.coreCount)
          answers += predictions.map { .success($0) }
        } catch {
          answers += run.map { _ in .failure(error) }
        }
      }
      metrics.batchSizes.observe(Double(queries.count))
      metrics.inferenceSeconds.observe((ContinuousClock.now - start) / .seconds(1))
      return answers
    }
  }
}
