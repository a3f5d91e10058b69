/// Classes that a report counts as one.
public struct MergedClass: Equatable, Sendable {
  public var name: String
  /// The labels of the classes, of which each belongs to one merged class at most.
  public var members: [String]

  public init(name: String, members: [String]) {
    self.name = name
    self.members = members
  }
}

extension MetricReport {
  /// Scores a multi-class task with some classes taken together, as five levels of sentiment are reported as three.
  ///
  /// The decision is the merged class of the most probable class, as when scikit-learn's `classification_report` is given
  /// merged truth and predictions; a merged class has the probabilities of its members added up. Classes that no merge
  /// names stand for themselves, before the merged ones.
  ///
  /// - Throws: ``MetricError`` as for the task itself, or for a merge of labels that are not there or named twice.
  public static func evaluate(
    truth: [Int], probabilities: [[Double]], labels: [String], merging merges: [MergedClass]
  ) throws(MetricError) -> MetricReport {
    try checkClasses(truth: truth, probabilities: probabilities, labels: labels)
    let named = merges.flatMap(\.members)
    for label in named where !labels.contains(label) {
      throw .invalidLabels(
        reason: "there is no label '\(label)' to merge; the labels are \(labels.joined(separator: ", "))")
    }
    guard Set(named).count == named.count else {
      throw .invalidLabels(reason: "a label to merge is named twice among \(named.joined(separator: ", "))")
    }
    let all = labels.filter { !named.contains($0) }.map { MergedClass(name: $0, members: [$0]) } + merges
    let place = labels.map { label in all.firstIndex { $0.members.contains(label) }! }
    let added = probabilities.map { values in
      values.indices.reduce(into: [Double](repeating: 0, count: all.count)) { $0[place[$1]] += values[$1] }
    }
    return try classReport(
      truth: truth.map { place[$0] }, probabilities: added.map { $0.map { min($0, 1) } },
      predicted: probabilities.map { place[mostProbable($0)] }, labels: all.map(\.name))
  }
}
