import Foundation
import Torch

/// The machine a figure was measured on.
enum Machine {
  static var summary: String {
    let memory = Double(ProcessInfo.processInfo.physicalMemory) / Double(1 << 30)
    let count = ProcessInfo.processInfo.activeProcessorCount
    return "\(processor), \(count) cores, \(String(format: "%.0f", memory)) GiB, "
      + "libtorch \(Runtime.version) (\(Runtime.cpuCapability))"
  }

  /// The processor's name as Linux gives it.
  private static var processor: String {
    let info = try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)
    let line = info?.split(separator: "\n").first { $0.hasPrefix("model name") }
    return line?.split(separator: ":").last?.trimmingCharacters(in: .whitespaces) ?? "unknown processor"
  }
}
