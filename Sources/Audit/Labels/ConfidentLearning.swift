// Confident learning (Northcutt, Jiang and Chuang, 2021, "Confident Learning: Estimating Uncertainty in Dataset Labels"),
// with the conventions of its authors' program, cleanlab: the confident joint is calibrated to the count of each label,
// and its off-diagonal examples are suspicious unless the label given is also the likeliest.

/// Which labels are probably wrong, judged by predictions of models that have not seen them.
public struct ConfidentLearning: Sendable {
  /// One example whose label is suspicious.
  public struct Suspicion: Sendable, Equatable {
    /// The row it stands in.
    public var row: Int
    /// The class it is labelled with.
    public var given: Int
    /// The class it probably belongs to.
    public var suggested: Int
    /// The probability of the class given.
    public var selfConfidence: Double
    /// Half of the class given's lead over the best other plus one half, 0 to 1.
    public var normalizedMargin: Double
  }

  /// For each class the mean probability that examples labelled with it have for it; infinite where there are none. [C]
  public let thresholds: [Double]
  /// How many examples labelled as row confidently belong to column. [C, C]
  public let confidentJoint: [[Int]]
  /// The confident joint, its rows scaled to the labels' counts. [C, C]
  public let calibratedJoint: [[Double]]
  /// The least confident first.
  public let suspicions: [Suspicion]

  /// - Parameters:
  ///   - labels: the class of each example. [N]
  ///   - probabilities: what models that were not trained on an example say of it. [N, C]
  public init(labels: [Int], probabilities: [[Double]]) {
    precondition(labels.count == probabilities.count && !labels.isEmpty, "one row of probabilities for each label")
    let classes = probabilities[0].indices
    let thresholds = classes.map { label in
      let own = labels.indices.filter { labels[$0] == label }.map { probabilities[$0][label] }
      return own.isEmpty ? Double.infinity : own.reduce(0, +) / Double(own.count)
    }
    var joint = classes.map { _ in classes.map { _ in 0 } }
    var suspicions: [Suspicion] = []
    for (row, label) in labels.enumerated() {
      let scores = probabilities[row]
      // The allowance is cleanlab's: rounding must not put an example below a mean of examples all alike.
      let confident = classes.filter { scores[$0] >= thresholds[$0] - 1e-6 }
      guard let only = confident.first else { continue }
      let likeliest = classes.reduce(0) { scores[$1] > scores[$0] ? $1 : $0 }
      let suggested = confident.count == 1 ? only : likeliest
      joint[label][suggested] += 1
      guard suggested != label, likeliest != label else { continue }
      let rival = classes.filter { $0 != label }.map { scores[$0] }.max()!
      suspicions.append(
        Suspicion(
          row: row, given: label, suggested: suggested, selfConfidence: scores[label],
          normalizedMargin: (scores[label] - rival + 1) / 2))
    }
    // A class with no confident example of its own is still taken to have one.
    for label in classes { joint[label][label] = max(1, joint[label][label]) }
    self.thresholds = thresholds
    confidentJoint = joint
    calibratedJoint = classes.map { label in
      let (count, sum) = (labels.count { $0 == label }, joint[label].reduce(0, +))
      return joint[label].map { Double($0) * Double(count) / Double(sum) }
    }
    self.suspicions = suspicions.sorted { ($0.selfConfidence, $0.row) < ($1.selfConfidence, $1.row) }
  }

  /// How many labels are wrong, as the calibrated joint has it; the suspicious ones need not be as many.
  public var estimatedErrorCount: Double {
    let all = calibratedJoint.joined().reduce(0, +)
    return all - calibratedJoint.indices.reduce(0) { $0 + calibratedJoint[$1][$1] }
  }
}
