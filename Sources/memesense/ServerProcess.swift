import Foundation

/// How a command ends that answers requests until a signal comes.
enum ServerProcess {
  /// Serves, and ends the process: at once, for a thread may still compute what nobody waits for any more, and what exit()
  /// tears down would pull the ground from under it.
  ///
  /// - Parameters:
  ///   - body: Serves until a signal comes.
  ///   - finish: What must be on the disk before the end.
  static func run(
    _ body: @escaping @Sendable () async throws -> Void, thenFinish finish: () -> Void = {}
  ) -> Never {
    let outcome = Result { try waitFor(body) }
    finish()
    var status: Int32 = 0
    if case .failure(let error) = outcome {
      Console.error("error: \(ExitStatus.message(of: error))")
      status = ExitStatus(of: error).code
    }
    fflush(nil)
    _exit(status)
  }

  /// Runs asynchronous work to its end; most commands have none.
  private static func waitFor(_ body: @escaping @Sendable () async throws -> Void) throws {
    final class Outcome: @unchecked Sendable {  // written before the semaphore is signalled, read after
      var error: (any Error)?
    }
    let outcome = Outcome()
    let done = DispatchSemaphore(value: 0)
    Task {
      do { try await body() } catch { outcome.error = error }
      done.signal()
    }
    done.wait()
    if let error = outcome.error { throw error }
  }
}
