import Foundation

/// What `/metrics` tells.
struct ServerMetrics: Sendable {
  let registry = PrometheusRegistry()
  let requests: PrometheusRegistry.Values
  let requestSeconds: PrometheusRegistry.Histogram
  let memes: PrometheusRegistry.Values
  let batchSizes: PrometheusRegistry.Histogram
  let inferenceSeconds: PrometheusRegistry.Histogram
  let reloads: PrometheusRegistry.Values
  private let modelInfo: PrometheusRegistry.Values
  private let load: PrometheusRegistry.Values
  private let connections: PrometheusRegistry.Values
  private let residentBytes: PrometheusRegistry.Values

  init() {
    let seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
    requests = registry.counter(
      "memesense_http_requests_total", "Answered requests.", labels: ["route", "method", "status"])
    requestSeconds = registry.histogram(
      "memesense_http_request_duration_seconds", "From a request's head to its answer.", labels: ["route"],
      bounds: seconds)
    memes = registry.counter("memesense_memes_total", "Memes that were answered for.")
    batchSizes = registry.histogram(
      "memesense_batch_size", "Memes computed together.", bounds: [1, 2, 4, 8, 16, 32, 64])
    inferenceSeconds = registry.histogram(
      "memesense_inference_duration_seconds", "Computing one batch.", bounds: seconds)
    reloads = registry.counter("memesense_model_reloads_total", "Exchanges of the model.", labels: ["result"])
    modelInfo = registry.gauge(
      "memesense_model_info", "1 for the model that is served.", labels: ["model", "version"])
    load = registry.gauge("memesense_memes_in_progress", "Memes that wait or are worked on.")
    connections = registry.gauge("memesense_connections", "Open connections.")
    residentBytes = registry.gauge("process_resident_memory_bytes", "Resident memory size in bytes.")
    registry.gauge("process_start_time_seconds", "Start time of the process since unix epoch in seconds.")
      .set(Date().timeIntervalSince1970.rounded())
  }

  /// Shows which model is served, and the one before no longer.
  func show(_ model: ModelFacts) { modelInfo.setAlone(1, model.name, model.version) }

  /// Everything, with what is measured at the moment of asking.
  func text(load memes: Int, connections open: Int) -> String {
    load.set(Double(memes))
    connections.set(Double(open))
    if let bytes = Self.residentMemory { residentBytes.set(Double(bytes)) }
    return registry.text
  }

  /// From the second number of /proc/self/statm, which counts pages; `nil` where there is no such file.
  private static var residentMemory: Int? {
    guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) else { return nil }
    return text.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { $0 * Int(getpagesize()) }
  }
}
