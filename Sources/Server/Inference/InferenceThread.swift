import Foundation

/// The one thread that computes predictions.
///
/// libtorch keeps a pool of helpers for each thread that starts parallel work, so the work must not wander from thread to
/// thread as that of Swift's own executors does; and event loops and request handlers are never held up by it.
final class InferenceThread: SerialExecutor, @unchecked Sendable {  // its jobs are guarded by the condition
  static let shared = InferenceThread()

  private let condition = NSCondition()
  private var jobs: [UnownedJob] = []

  private init() {
    let thread = Thread { [self] in run() }
    thread.name = "inference"
    thread.stackSize = 8 << 20
    thread.start()
  }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    condition.withLock { jobs.append(job) }
    condition.signal()
  }

  private func run() {
    while true {
      condition.lock()
      while jobs.isEmpty { condition.wait() }
      let next = jobs
      jobs = []
      condition.unlock()
      for job in next { job.runSynchronously(on: asUnownedSerialExecutor()) }
    }
  }
}
