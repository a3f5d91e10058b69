/// How often one label was predicted and true: the 2×2 table everything about hard decisions follows from.
public struct ConfusionCounts: Equatable, Sendable {
  public var truePositives = 0
  public var falsePositives = 0
  public var falseNegatives = 0
  public var trueNegatives = 0

  public init() {}

  /// Counts the agreements of `truth` and `predicted`, which must be equally long.
  public init(truth: some Sequence<Bool>, predicted: some Sequence<Bool>) {
    for (isTrue, isPredicted) in zip(truth, predicted) { add(isTrue: isTrue, isPredicted: isPredicted) }
  }

  mutating func add(isTrue: Bool, isPredicted: Bool, times: Int = 1) {
    switch (isTrue, isPredicted) {
    case (true, true): truePositives += times
    case (false, true): falsePositives += times
    case (true, false): falseNegatives += times
    case (false, false): trueNegatives += times
    }
  }

  /// The number of memes that truly carry the label.
  public var support: Int { truePositives + falseNegatives }

  /// Whether the label occurs in the truth or in a prediction.
  var occurs: Bool { truePositives + falsePositives + falseNegatives > 0 }

  /// The share of correct positive predictions; 0 where there are none, as scikit-learn counts it.
  public var precision: Double { ratio(truePositives, truePositives + falsePositives) }

  /// The share of found positives; 0 where there are none, as scikit-learn counts it.
  public var recall: Double { ratio(truePositives, support) }

  /// The harmonic mean of precision and recall; 0 without a true positive, never undefined.
  public var f1: Double { ratio(2 * truePositives, 2 * truePositives + falsePositives + falseNegatives) }

  /// The same table seen from the other class.
  public var complement: ConfusionCounts {
    var counts = ConfusionCounts()
    counts.truePositives = trueNegatives
    counts.falsePositives = falseNegatives
    counts.falseNegatives = falsePositives
    counts.trueNegatives = truePositives
    return counts
  }

  /// Rows are the truth, columns the prediction, negative first: `[[tn, fp], [fn, tp]]`.
  public var matrix: [[Int]] { [[trueNegatives, falsePositives], [falseNegatives, truePositives]] }
}

/// One of precision, recall and F1, averaged over classes in the three usual ways.
struct Averages {
  let macro: Double
  let micro: Double
  let weighted: Double

  /// - Parameter counts: one table a class; not empty.
  init(of measure: (ConfusionCounts) -> Double, over counts: [ConfusionCounts]) {
    let values = counts.map(measure)
    let support = counts.reduce(0) { $0 + $1.support }
    macro = values.reduce(0, +) / Double(values.count)
    weighted = ratio(zip(values, counts).reduce(0) { $0 + $1.0 * Double($1.1.support) }, Double(support))
    var total = ConfusionCounts()
    for table in counts {
      total.truePositives += table.truePositives
      total.falsePositives += table.falsePositives
      total.falseNegatives += table.falseNegatives
    }
    micro = measure(total)
  }
}

func ratio(_ numerator: Int, _ denominator: Int) -> Double { ratio(Double(numerator), Double(denominator)) }

func ratio(_ numerator: Double, _ denominator: Double) -> Double { denominator == 0 ? 0 : numerator / denominator }
