import Foundation
import Testing

@testable import Metrics

/// Temperatures and thresholds agree with those that SciPy and scikit-learn find.
struct CalibrationTests {
  /// SciPy's search stops at a slope of rounding errors: the square root of what a loss can tell.
  static let temperatureTolerance = 1e-6
  /// Of losses at such temperatures.
  static let lossTolerance = 1e-7
  static let tolerance = 1e-12

  struct Cases: Decodable {
    let binary: [Case<[Int], [Double]>]
    let multiclass: [Case<[Int], [[Double]]>]
  }

  struct Case<Truth: Decodable, Probabilities: Decodable>: Decodable {
    let truth: Truth
    let probabilities: Probabilities
    let settings: TaskCalibration.Settings
    let expected: Expected
  }

  struct Expected: Decodable {
    let temperature: Double
    let folds: Int
    let logLoss: TaskCalibration.Change
    let threshold: Double?
    let metric: Metric?
    let score: TaskCalibration.Change?

    enum CodingKeys: String, CodingKey {
      case temperature, folds, threshold, metric, score
      case logLoss = "log_loss"
    }
  }

  let cases: Cases

  init() throws {
    let url = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/calibration.json")
    cases = try JSONDecoder().decode(Cases.self, from: Data(contentsOf: url))
  }

  @Test func aLabelIsCalibratedAsSciPyAndScikitLearnDo() throws {
    #expect(cases.binary.count == 9)
    for (index, expected) in cases.binary.enumerated() {
      let calibration = TaskCalibration(
        truth: expected.truth.map { $0 == 1 }, probabilities: expected.probabilities, label: "hateful",
        settings: expected.settings)
      #expect(calibration.parts.count == 1)
      compare(calibration.parts[0], expected.expected, "binary \(index)")
      #expect(calibration.parts[0].memes == expected.truth.count)
    }
    // The cases decide both ways.
    let expected = cases.binary.map(\.expected)
    #expect(expected.contains { $0.temperature == 1 } && expected.contains { $0.temperature != 1 })
    #expect(expected.contains { $0.threshold == 0.5 } && expected.contains { $0.threshold != 0.5 })
  }

  @Test func exclusiveClassesAreCalibratedAsSciPyDoes() throws {
    #expect(cases.multiclass.count == 4)
    for (index, expected) in cases.multiclass.enumerated() {
      let calibration = TaskCalibration(
        truth: expected.truth, probabilities: expected.probabilities,
        labels: expected.probabilities[0].indices.map { "class \($0)" }, settings: expected.settings)
      #expect(calibration.parts.count == 1 && calibration.thresholds == nil)
      compare(calibration.parts[0], expected.expected, "multiclass \(index)")
    }
  }

  @Test func everyLabelOfSeveralIsCalibratedByItself() {
    let (first, second) = (cases.binary[0], cases.binary[3])
    let count = min(first.truth.count, second.truth.count)
    func rows<Element>(_ a: [Element], _ b: [Element]) -> [[Element]] { (0..<count).map { [a[$0], b[$0]] } }
    let settings = TaskCalibration.Settings()
    let both = TaskCalibration(
      truth: rows(first.truth, second.truth).map { $0.map { $0 == 1 } },
      probabilities: rows(first.probabilities, second.probabilities), labels: ["a", "b"], settings: settings)
    for (part, own) in zip(both.parts, [first, second]) {
      let alone = TaskCalibration(
        truth: own.truth.prefix(count).map { $0 == 1 }, probabilities: Array(own.probabilities.prefix(count)),
        label: part.label!, settings: settings)
      #expect(alone.parts == [part])
    }
    #expect(both.parts[0] != both.parts[1])
  }

  private func compare(_ part: TaskCalibration.Part, _ expected: Expected, _ name: String) {
    func check(_ found: Double?, _ value: Double?, _ tolerance: Double, _ what: String) {
      guard let found, let value else {
        #expect(found == nil && value == nil, "\(name): \(what)")
        return
      }
      #expect(abs(found - value) <= tolerance * max(1, abs(value)), "\(name): \(what) is \(found), expected \(value)")
    }
    #expect(part.folds == expected.folds && part.metric == expected.metric, "\(name)")
    check(part.temperature, expected.temperature, Self.temperatureTolerance, "temperature")
    check(part.threshold, expected.threshold, Self.temperatureTolerance, "threshold")
    check(part.logLoss.before, expected.logLoss.before, Self.tolerance, "log loss before")
    check(part.logLoss.after, expected.logLoss.after, Self.lossTolerance, "log loss after")
    check(part.score?.before, expected.score?.before, Self.tolerance, "score before")
    check(part.score?.after, expected.score?.after, Self.tolerance, "score after")
  }

  // MARK: Edges

  @Test func aTemperatureOfOneLeavesProbabilitiesToTheBit() {
    for p in [0, .leastNonzeroMagnitude, 1e-12, 0.1, 0.5, 0.7, 1 - 0x1p-53, 1] {
      #expect(Temperature.scaled(p, by: 1) == p)
      #expect((0...1).contains(Temperature.scaled(p, by: 0.05)) && (0...1).contains(Temperature.scaled(p, by: 20)))
    }
    #expect(Temperature.scaled([0, 1], by: 1) == [0, 1])
    #expect(Temperature.scaled(0.8, by: 2) == 1 / (1 + (0.25).squareRoot()))
  }

  @Test func temperaturesStayInTheirRange() {
    // Ever colder, ever hotter, and nothing to tell.
    #expect(Temperature.fitted(truth: [true, false], probabilities: [0.9, 0.1]) == 0.05)
    #expect(Temperature.fitted(truth: [false, true], probabilities: [0.9, 0.1]) == 20)
    #expect(Temperature.fitted(truth: [false, true], probabilities: [0.5, 0.5]) == 1)
    #expect(Temperature.fitted(truth: [0, 1], probabilities: [[0.9, 0.1], [0.2, 0.8]]) == 0.05)
    #expect(Temperature.fitted(truth: [true, false], probabilities: [0, 1]) == 20)
  }

  @Test func thresholdsNeverTellEqualProbabilitiesApart() {
    func best(_ truth: [Int], _ probabilities: [Double], _ metric: Metric = .f1) -> Double {
      DecisionThreshold.best(truth: truth.map { $0 == 1 }, probabilities: probabilities, by: metric)
    }
    #expect(best([1, 0, 1, 0], [0.3, 0.3, 0.3, 0.1]) == 0.2)
    #expect(best([1, 1, 0, 0], [0.9, 0.6, 0.4, 0.1]) == 0.5, "one half is among the best")
    #expect(best([1, 0], [0.25, 0.125]) == 0.1875)
    #expect(best([0, 0], [0.9, 0.2], .accuracy) == 0.95, "nothing is predicted")
    #expect(best([1, 1], [0, 0.5]) == 0.25, "a probability of 0 is never predicted")
    #expect(best([0, 0], [0.9, 0.2]) == 0.5, "all are equally bad")
    #expect(best([0, 1], [1, 1], .accuracy) == 0.5, "equally good, one half is nearest")
    let neighbour = (0.75).nextUp
    let between = best([0, 1], [0.75, neighbour])
    #expect(between >= 0.75 && between < neighbour)
  }

  @Test func fewMemesChangeNothing() {
    for truth in [[true], [true, true, true], [false, true, false]] {
      let part = TaskCalibration(
        truth: truth, probabilities: truth.map { $0 ? 0.4 : 0.3 }, label: "x", settings: .init()
      ).parts[0]
      #expect(part.folds == 0 && part.temperature == 1 && part.threshold == 0.5)
      #expect(part.logLoss.before == part.logLoss.after && part.score?.before == part.score?.after)
    }
    let single = TaskCalibration(truth: [1], probabilities: [[0.2, 0.8]], labels: ["a", "b"], settings: .init())
    #expect(single.parts[0].temperature == 1 && single.parts[0].folds == 0)
  }

  @Test func settingsThatMakeNoSenseAreRefused() throws {
    #expect(TaskCalibration.Settings(threshold: .auroc).fault?.contains("f1_macro") == true)
    #expect(TaskCalibration.Settings(folds: 1).fault?.contains("at least 2") == true)
    let decoder = JSONDecoder()
    let whole = try decoder.decode(TaskCalibration.Settings.self, from: Data(#"{"threshold":null,"folds":3}"#.utf8))
    #expect(whole == .init(threshold: nil, folds: 3))
    for text in [#"{"folds":5}"#, #"{"threshold":"f1"}"#, #"{"threshold":"ece","folds":5}"#] {
      #expect(throws: DecodingError.self) {
        try decoder.decode(TaskCalibration.Settings.self, from: Data(text.utf8))
      }
    }
  }

  @Test func reportsCountByTheThresholdGiven() throws {
    let (truth, probabilities) = ([true, true, false, false], [0.6, 0.3, 0.35, 0.1])
    let report = try MetricReport.evaluate(truth: truth, probabilities: probabilities, label: "x", threshold: 0.2)
    #expect(report.confusionMatrix == [[1, 1], [0, 2]])
    let usual = try MetricReport.evaluate(truth: truth, probabilities: probabilities, label: "x")
    #expect(usual.confusionMatrix == [[2, 0], [1, 1]] && usual[.ece] == report[.ece])
    let several = try MetricReport.evaluate(
      truth: truth.map { [$0, $0] }, probabilities: probabilities.map { [$0, $0] }, labels: ["x", "y"],
      thresholds: [0.2, 0.5])
    #expect(several.perLabel.map(\.counts.matrix) == [[[1, 1], [0, 2]], [[2, 0], [1, 1]]])
    #expect(several[.accuracy] == .defined(0.5))
  }
}
