import CTorch
import Synchronization

/// What this process knows of libtorch and of the machine.
public enum Runtime {
  /// Runs once, before the first tensor or operator.
  static let isPrepared: Bool = {
    ct_initialize()
    return true
  }()

  /// libtorch's version, as "2.13.0".
  public static var version: String { String(cString: ct_version()) }

  /// The widest vector instructions libtorch's kernels use on this processor, as "AVX512".
  public static var cpuCapability: String { String(cString: ct_cpu_capability()) }

  /// Whether this processor multiplies bfloat16 in hardware; where not, float32 is faster.
  public static var cpuMultipliesBFloat16: Bool { ct_cpu_multiplies_bfloat16() }

  /// Gives freed memory back to the system, which this process otherwise keeps for its next tensors: for moments between
  /// two kinds of work.
  public static func releaseFreeMemory() { ct_release_free_memory() }

  static let exhaustedMemoryHandler = Mutex<@Sendable (_ reason: String) -> Never> { fatalError($0) }

  /// Has a program say in its own way that the processor's memory or a GPU's does not suffice, and end: operations cannot
  /// throw, and nobody could go on. Without it the process traps.
  ///
  /// - Parameter handler: Is given the operation and libtorch's words, on the thread that asked for the memory.
  public static func onExhaustedMemory(_ handler: @escaping @Sendable (_ reason: String) -> Never) {
    exhaustedMemoryHandler.withLock { $0 = handler }
  }

  /// Threads one operation is split over, for the calling thread; one that never sets it has what was set last on any.
  public static var threadCount: Int {
    get { Int(ct_thread_count()) }
    set { check(ct_set_thread_count(Int32(newValue)), "setting \(newValue) threads") }
  }
}

/// Traps with libtorch's message: a failure here is a mistake of the program, never of its input. Memory that there is not is
/// neither; ``Runtime/onExhaustedMemory(_:)`` says what happens then.
func check(_ status: ct_status, _ action: @autoclosure () -> String) {
  guard status != CT_OK else { return }
  let reason = "\(action()): \(String(cString: ct_last_error()))"
  if status == CT_OUT_OF_MEMORY { Runtime.exhaustedMemoryHandler.withLock(\.self)(reason) }
  fatalError(reason)
}
