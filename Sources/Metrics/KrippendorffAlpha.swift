/// How far people agree beyond chance on units that each of them put into one of several categories.
///
/// Krippendorff's alpha for nominal data: 1 − observed / expected disagreement over all pairs of values of the same unit
/// (K. Krippendorff, "Computing Krippendorff's Alpha-Reliability", 2011, section C). Any number of people may have judged a
/// unit; one that a single person judged says nothing.
public struct KrippendorffAlpha: Sendable, Equatable {
  /// 1 for perfect agreement, 0 for what chance gives; `nil` where there is nothing to compare or all values are the same.
  public var value: Double?
  /// Units that two or more people judged.
  public var units: Int
  /// Values given to them.
  public var values: Int

  /// - Parameter units: for each unit the values that people gave it.
  public init<Value: Hashable>(_ units: some Sequence<[Value]>) {
    let pairable = units.filter { $0.count > 1 }
    self.units = pairable.count
    var totals: [Value: Double] = [:]
    // Pairs of unequal values, each unit's weighted by 1 / (values − 1).
    var disagreement = 0.0
    for unit in pairable {
      let counts = Dictionary(unit.map { ($0, 1.0) }, uniquingKeysWith: +)
      let size = Double(unit.count)
      disagreement += counts.values.reduce(0) { $0 + $1 * (size - $1) } / (size - 1)
      totals.merge(counts, uniquingKeysWith: +)
    }
    let count = totals.values.reduce(0, +)
    values = Int(count)
    let expected = totals.values.reduce(0) { $0 + $1 * (count - $1) }
    value = expected > 0 ? 1 - (count - 1) * disagreement / expected : nil
  }
}
