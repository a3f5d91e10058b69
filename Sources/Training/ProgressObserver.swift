/// What long work tells of itself.
public enum ProgressEvent: Sendable {
  /// Something begins, such as "reading the dataset".
  case phase(String)
  /// `done` of `total` things of a phase are finished.
  case items(phase: String, done: Int, total: Int)
  /// An epoch of a stage is finished.
  case epoch(stage: String, done: Int, total: Int, loss: Double)
  /// Something a person should know, such as rows that were left out.
  case warning(String)
}

/// Who is told; called from any thread.
public protocol ProgressObserver: Sendable {
  func observe(_ event: ProgressEvent)
}

/// Tells no one.
public struct SilentObserver: ProgressObserver {
  public init() {}
  public func observe(_ event: ProgressEvent) {}
}
