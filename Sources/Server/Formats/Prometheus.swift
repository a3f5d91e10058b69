import Synchronization

/// Counters, gauges and histograms in Prometheus's text format, version 0.0.4.
///
/// A family is made once and its series by the labels that it is used with; those must come from a fixed set, never from what
/// clients send.
final class PrometheusRegistry: Sendable {
  enum Kind: String, Sendable { case counter, gauge, histogram }

  fileprivate struct Family {
    var name: String
    var help: String
    var kind: Kind
    var labels: [String]
    /// The upper bounds of a histogram's buckets, rising.
    var bounds: [Double] = []
    /// By the values of the labels.
    var series: [[String]: Series] = [:]
  }

  fileprivate struct Series {
    var value = 0.0
    /// A histogram's counts, one a bound and one for all that is above.
    var counts: [UInt64] = []
  }

  fileprivate let families = Mutex<[Family]>([])

  /// A family of counters or gauges.
  struct Values: Sendable {
    fileprivate let registry: PrometheusRegistry
    fileprivate let index: Int

    func add(_ amount: Double = 1, _ labels: String...) { registry.update(index, labels) { $0.value += amount } }
    func set(_ value: Double, _ labels: String...) { registry.update(index, labels) { $0.value = value } }

    /// Sets a series and forgets all others of the family.
    func setAlone(_ value: Double, _ labels: String...) {
      registry.families.withLock { $0[index].series = [labels: Series(value: value)] }
    }
  }

  struct Histogram: Sendable {
    fileprivate let registry: PrometheusRegistry
    fileprivate let index: Int

    func observe(_ value: Double, _ labels: String...) { registry.observe(index, labels, value) }
  }

  func counter(_ name: String, _ help: String, labels: [String] = []) -> Values {
    Values(registry: self, index: add(Family(name: name, help: help, kind: .counter, labels: labels)))
  }

  func gauge(_ name: String, _ help: String, labels: [String] = []) -> Values {
    Values(registry: self, index: add(Family(name: name, help: help, kind: .gauge, labels: labels)))
  }

  func histogram(_ name: String, _ help: String, labels: [String] = [], bounds: [Double]) -> Histogram {
    precondition(zip(bounds, bounds.dropFirst()).allSatisfy { $0 < $1 }, "the bounds of \(name) do not rise")
    return Histogram(
      registry: self, index: add(Family(name: name, help: help, kind: .histogram, labels: labels, bounds: bounds)))
  }

  private func add(_ family: Family) -> Int {
    families.withLock { families in
      precondition(!families.contains { $0.name == family.name }, "\(family.name) is there twice")
      families.append(family)
      // Something that has no labels is shown from the start.
      if family.labels.isEmpty { families[families.count - 1].series[[]] = Self.empty(family) }
      return families.count - 1
    }
  }

  private static func empty(_ family: Family) -> Series {
    Series(counts: family.kind == .histogram ? Array(repeating: 0, count: family.bounds.count + 1) : [])
  }

  private func update(_ index: Int, _ labels: [String], _ change: (inout Series) -> Void) {
    families.withLock { families in
      precondition(labels.count == families[index].labels.count, "one value for each label of \(families[index].name)")
      let empty = Self.empty(families[index])
      change(&families[index].series[labels, default: empty])
    }
  }

  private func observe(_ index: Int, _ labels: [String], _ value: Double) {
    let bounds = families.withLock { $0[index].bounds }
    update(index, labels) { series in
      series.value += value
      series.counts[bounds.firstIndex { value <= $0 } ?? bounds.count] += 1
    }
  }

  /// All families in the order they were made, their series by labels.
  var text: String {
    families.withLock { families in families.map(Self.text).joined() }
  }

  private static func text(_ family: Family) -> String {
    var lines = [
      "# HELP \(family.name) \(escaped(family.help, quotes: false))",
      "# TYPE \(family.name) \(family.kind.rawValue)",
    ]
    for (values, series) in family.series.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
      let labels = Array(zip(family.labels, values))
      guard family.kind == .histogram else {
        lines.append("\(family.name)\(braces(labels)) \(number(series.value))")
        continue
      }
      var total: UInt64 = 0
      for (bound, count) in zip(family.bounds + [.infinity], series.counts) {
        total += count
        lines.append("\(family.name)_bucket\(braces(labels + [("le", number(bound))])) \(total)")
      }
      lines.append("\(family.name)_sum\(braces(labels)) \(number(series.value))")
      lines.append("\(family.name)_count\(braces(labels)) \(total)")
    }
    return lines.map { $0 + "\n" }.joined()
  }

  private static func braces(_ labels: [(String, String)]) -> String {
    labels.isEmpty ? "" : "{" + labels.map { "\($0)=\"\(escaped($1))\"" }.joined(separator: ",") + "}"
  }

  /// Scalar by scalar: a line feed after a carriage return is one character with it, and must not slip through.
  private static func escaped(_ text: String, quotes: Bool = true) -> String {
    text.unicodeScalars.map { scalar in
      switch scalar {
      case "\\": "\\\\"
      case "\n": "\\n"
      case "\"" where quotes: "\\\""
      default: String(scalar)
      }
    }.joined()
  }

  private static func number(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
    return value == value.rounded() && abs(value) < 1e15 ? "\(Int64(value))" : "\(value)"
  }
}
