import Foundation
import Synchronization
import Testing

@testable import Torch

@Suite struct RuntimeTests {
  /// A product rounds by the number of threads that it is split over: one thread's choice is not another's.
  @Test func threadCountsAreOfTheirThreads() throws {
    @Sendable func waves(_ shape: [Int]) -> Tensor {
      Tensor((0..<shape[0] * shape[1]).map { Float(sin(Double($0))) }, shape: shape)
    }
    let isDone = Atomic(false)
    let changes = Thread {
      let (rows, matrix) = (waves([90, 300]), waves([300, 90]))
      while !isDone.load(ordering: .relaxed) {
        for count in [1, 2] {
          Runtime.threadCount = count
          #expect(Runtime.threadCount == count)
          _ = rows.matmul(matrix)
        }
      }
    }
    changes.start()
    defer { isDone.store(true, ordering: .relaxed) }
    let (rows, matrix) = (waves([90, 300]), waves([300, 90]))
    let before = Runtime.threadCount
    Runtime.threadCount = before
    let product = rows.matmul(matrix).floats
    for _ in 0..<2000 {
      #expect(rows.matmul(matrix).floats == product)
      #expect(Runtime.threadCount == before)
    }
  }

  @Test func aProgramSaysWhereMemoryDoesNotSuffice() async {
    await #expect(processExitsWith: .exitCode(71)) {
      Runtime.onExhaustedMemory { reason in
        _exit(reason.hasPrefix("making float32[17592186044416] on cpu") && reason.contains("allocate memory") ? 71 : 1)
      }
      _ = Tensor.zeros([1 << 44])  // 64 TiB
    }
  }
}
