import Foundation
import Testing

@testable import Torch

@Suite struct RuntimeTests {
  @Test func aProgramSaysWhereMemoryDoesNotSuffice() async {
    await #expect(processExitsWith: .exitCode(71)) {
      Runtime.onExhaustedMemory { reason in
        _exit(reason.hasPrefix("making float32[17592186044416] on cpu") && reason.contains("allocate memory") ? 71 : 1)
      }
      _ = Tensor.zeros([1 << 44])  // 64 TiB
    }
  }
}
