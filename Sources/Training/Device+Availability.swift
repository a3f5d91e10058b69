import Torch

extension Device {
  /// - Throws: ``TrainingError/invalid(_:)`` where this process cannot compute there, with what to do about it.
  public func requireAvailable() throws(TrainingError) {
    if let fault { throw .invalid(fault) }
  }
}
