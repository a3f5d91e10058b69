/// What a benchmark tells of itself.
public enum BenchmarkEvent: Sendable {
  /// Reading a dataset, embedding it, drawing it.
  case preparation(ProgressEvent)
  /// What earlier calls finished, before it is known what of it counts: that takes the datasets.
  case found([CellResult])
  /// An earlier call had finished this cell.
  case kept(CellResult)
  /// What an earlier call made of this cell, if anything, does not count.
  case waiting(BenchmarkCell)
  case started(BenchmarkCell)
  /// The stage that a cell is in.
  case training(BenchmarkCell, stage: String, done: Int, total: Int)
  case warning(BenchmarkCell, String)
  case finished(BenchmarkCell, CellResult)
  case failed(BenchmarkCell, reason: String)
  case pretraining(BenchmarkPretraining, PretrainingEvent)
}

/// What a pretraining of a benchmark tells of itself.
public enum PretrainingEvent: Sendable {
  /// An earlier call had finished it.
  case kept(PretrainingResult)
  case started
  /// What is done before the first epoch.
  case items(phase: String, done: Int, total: Int)
  case epoch(done: Int, total: Int)
  case warning(String)
  case finished(PretrainingResult)
  case failed(reason: String)
}

/// Who is told; called from any thread.
public protocol BenchmarkObserver: Sendable {
  func observe(_ event: BenchmarkEvent)
}

/// Passes on what one training tells.
struct CellObserver: ProgressObserver {
  let cell: BenchmarkCell
  let target: any BenchmarkObserver

  func observe(_ event: ProgressEvent) {
    switch event {
    case .epoch(let stage, let done, let total, _):
      target.observe(.training(cell, stage: stage, done: done, total: total))
    case .items(let phase, let done, let total):
      target.observe(.training(cell, stage: phase, done: done, total: total))
    case .warning(let message): target.observe(.warning(cell, message))
    case .phase: break
    }
  }
}

/// Passes on what one pretraining tells.
struct PretrainingObserver: ProgressObserver {
  let pretraining: BenchmarkPretraining
  let target: any BenchmarkObserver

  func observe(_ event: ProgressEvent) {
    let event: PretrainingEvent? =
      switch event {
      case .epoch(_, let done, let total, _): .epoch(done: done, total: total)
      case .items(let phase, let done, let total): .items(phase: phase, done: done, total: total)
      case .warning(let message): .warning(message)
      case .phase: nil
      }
    if let event { target.observe(.pretraining(pretraining, event)) }
  }
}

/// Passes on what is done before the cells.
struct PreparationObserver: ProgressObserver {
  let target: any BenchmarkObserver
  func observe(_ event: ProgressEvent) { target.observe(.preparation(event)) }
}
