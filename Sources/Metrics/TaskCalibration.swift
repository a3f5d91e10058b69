/// Temperatures and thresholds of one task, chosen on memes that the model was not trained on.
///
/// Both are cross-validated: what is fitted on all folds but one is judged on that one, and where the memes it was not
/// fitted on are not better off, nothing is changed. So a few memes that happen to suit a threshold do not move it.
public struct TaskCalibration: Codable, Sendable, Equatable {
  /// What is chosen.
  public struct Settings: Codable, Sendable, Equatable {
    /// What thresholds make highest; `nil` leaves them at one half.
    public var threshold: Metric?
    /// Into how many folds the memes are cut at most.
    public var folds: Int

    public init(threshold: Metric? = .f1, folds: Int = 5) {
      self.threshold = threshold
      self.folds = folds
    }

    /// What is wrong with the settings; `nil` where nothing is.
    public var fault: String? {
      if let threshold, !DecisionThreshold.metrics.contains(threshold) {
        let known = DecisionThreshold.metrics.map(\.rawValue).joined(separator: ", ")
        return "a threshold is chosen by one of \(known), not by \(threshold.rawValue)"
      }
      return folds < 2 ? "cross-validation takes at least 2 folds, not \(folds)" : nil
    }

    /// The keys of files that people write: both must be there, the metric possibly as null.
    enum CodingKeys: String, CodingKey {
      case threshold, folds
    }

    public init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: CodingKeys.self)
      guard container.contains(.threshold) else {
        throw DecodingError.keyNotFound(
          CodingKeys.threshold, .init(codingPath: container.codingPath, debugDescription: "it may be null"))
      }
      threshold = try container.decodeIfPresent(Metric.self, forKey: .threshold)
      folds = try container.decode(Int.self, forKey: .folds)
      if let fault {
        throw DecodingError.dataCorrupted(.init(codingPath: container.codingPath, debugDescription: fault))
      }
    }

    public func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(threshold, forKey: .threshold)
      try container.encode(folds, forKey: .folds)
    }
  }

  /// A number on the fitted memes before and after; the latter of memes in folds that nothing was fitted on.
  public struct Change: Codable, Sendable, Equatable {
    public var before: Double
    /// Of what is kept: equal to ``before`` where nothing is changed.
    public var after: Double
  }

  /// One label, or all exclusive classes together.
  public struct Part: Codable, Sendable, Equatable {
    /// `nil` for exclusive classes.
    public var label: String?
    /// 1 leaves probabilities as they are.
    public var temperature: Double
    /// `nil` for exclusive classes, of which the likeliest is predicted at any temperature.
    public var threshold: Double?
    /// Memes it was fitted on.
    public var memes: Int
    /// Folds; 0 where there are too few memes of a kind for two, and nothing is changed.
    public var folds: Int
    public var logLoss: Change
    /// The metric that the threshold was chosen by, if one was.
    public var metric: Metric?
    public var score: Change?

    enum CodingKeys: String, CodingKey {
      case label, temperature, threshold, memes, folds, metric, score
      case logLoss = "log_loss"
    }
  }

  public var kind: TaskKind
  /// The labels' or classes' names, in the order of probabilities.
  public var labels: [String]
  /// One a label; a single one for exclusive classes.
  public var parts: [Part]

  /// Fits a binary task. The shapes are those of ``MetricReport/evaluate(truth:probabilities:label:threshold:)``.
  public init(truth: [Bool], probabilities: [Double], label: String, settings: Settings) {
    kind = .binary
    labels = [label]
    parts = [Part(label: label, truth: truth, probabilities: probabilities, settings: settings)]
  }

  /// Fits a task of exclusive classes: one temperature for all.
  public init(truth: [Int], probabilities: [[Double]], labels: [String], settings: Settings) {
    kind = .multiclass
    self.labels = labels
    parts = [Part(truth: truth, probabilities: probabilities, settings: settings)]
  }

  /// Fits a multi-label task, label by label.
  public init(truth: [[Bool]], probabilities: [[Double]], labels: [String], settings: Settings) {
    kind = .multilabel
    self.labels = labels
    parts = labels.indices.map { column in
      Part(
        label: labels[column], truth: truth.map { $0[column] }, probabilities: probabilities.map { $0[column] },
        settings: settings)
    }
  }

  /// The probability above which each label is predicted; `nil` for exclusive classes. [L]
  public var thresholds: [Double]? { kind == .multiclass ? nil : parts.map { $0.threshold ?? DecisionThreshold.usual } }

  /// The probabilities of one meme at these temperatures. [L]
  ///
  /// - Precondition: as many as ``labels``.
  public func scaled(_ row: [Double]) -> [Double] {
    precondition(row.count == labels.count, "\(row.count) probabilities for \(labels.count) labels")
    guard kind != .multiclass else { return Temperature.scaled(row, by: parts[0].temperature) }
    return zip(row, parts).map { Temperature.scaled($0, by: $1.temperature) }
  }

  /// What makes a calibration that was read unusable for a task; `nil` where nothing does.
  public func fault(kind: TaskKind, labels: [String]) -> String? {
    guard self.kind == kind, self.labels == labels else { return "it is of other labels" }
    guard parts.count == (kind == .multiclass ? 1 : labels.count) else { return "it has \(parts.count) parts" }
    guard parts.allSatisfy({ Temperature.range.contains($0.temperature) }) else {
      return "a temperature is out of range"
    }
    return parts.allSatisfy { (0...1).contains($0.threshold ?? 0) } ? nil : "a threshold is out of range"
  }
}

extension TaskCalibration.Part {
  /// One label.
  fileprivate init(label: String, truth: [Bool], probabilities: [Double], settings: TaskCalibration.Settings) {
    let positives = truth.count { $0 }
    let folds = Folds(of: truth.map { $0 ? 1 : 0 }, atMost: min(settings.folds, positives, truth.count - positives))
    self.init(label: label, memes: truth.count, folds: folds.count)
    threshold = DecisionThreshold.usual

    func logLoss(_ probabilities: [Double]) -> Double {
      var calibration = Calibration()
      for (isTrue, p) in zip(truth, probabilities) { calibration.addBinary(isTrue: isTrue, probability: p) }
      return calibration.logLoss
    }
    func fittedTemperature(_ rows: [Int]) -> Double {
      Temperature.fitted(truth: rows.map { truth[$0] }, probabilities: rows.map { probabilities[$0] })
    }
    choose(
      before: logLoss(probabilities), folds, fit: fittedTemperature,
      apply: { Temperature.scaled(probabilities[$0], by: $1) }, loss: logLoss)

    guard let metric = settings.threshold else { return }
    let scaled = probabilities.map { Temperature.scaled($0, by: temperature) }
    func score(_ decisions: [Bool]) -> Double {
      DecisionThreshold.value(metric, of: ConfusionCounts(truth: truth, predicted: decisions))
    }
    self.metric = metric
    let before = score(probabilities.map { $0 > DecisionThreshold.usual })
    self.score = .init(before: before, after: before)
    var thresholds: [Double] = []
    let decisions = folds.outOfFold { rows in
      thresholds.append(
        DecisionThreshold.best(
          truth: rows.map { truth[$0] }, probabilities: rows.map { scaled[$0] }, by: metric))
      return thresholds.last!
    } apply: {
      scaled[$0] > $1
    }
    guard let decisions, score(decisions) > before else { return }
    threshold = Self.median(thresholds)
    self.score?.after = score(decisions)
  }

  /// All exclusive classes.
  fileprivate init(truth: [Int], probabilities: [[Double]], settings: TaskCalibration.Settings) {
    let folds = Folds(of: truth, atMost: min(settings.folds, truth.count))
    self.init(label: nil, memes: truth.count, folds: folds.count)
    func logLoss(_ probabilities: [[Double]]) -> Double {
      var calibration = Calibration()
      for (truth, row) in zip(truth, probabilities) {
        calibration.addMulticlass(truth: truth, predicted: truth, probabilities: row)
      }
      return calibration.logLoss
    }
    choose(
      before: logLoss(probabilities), folds,
      fit: { rows in Temperature.fitted(truth: rows.map { truth[$0] }, probabilities: rows.map { probabilities[$0] }) },
      apply: { Temperature.scaled(probabilities[$0], by: $1) }, loss: logLoss)
  }

  private init(label: String?, memes: Int, folds: Int) {
    self.label = label
    self.memes = memes
    self.folds = folds
    temperature = 1
    logLoss = .init(before: 0, after: 0)
  }

  /// Keeps the temperature of all memes where temperatures of folds lower the loss of the memes outside them.
  private mutating func choose<Value>(
    before: Double, _ folds: Folds, fit: ([Int]) -> Double, apply: (_ row: Int, _ temperature: Double) -> Value,
    loss: ([Value]) -> Double
  ) {
    logLoss = .init(before: before, after: before)
    guard let values = folds.outOfFold(fit: fit, apply: apply) else { return }
    let after = loss(values)
    guard after < before else { return }
    logLoss.after = after
    temperature = fit(Array(0..<memes))
  }

  private static func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
  }
}

/// Rows dealt to folds one after the other, each kind of row by itself, so that no fold lacks a kind.
private struct Folds {
  /// The fold of each row; empty where there are none. [N]
  private let folds: [Int]
  /// 0 where there cannot be two.
  let count: Int

  /// - Parameter kinds: what is to be spread evenly. [N]
  init(of kinds: [Int], atMost limit: Int) {
    guard limit > 1 else {
      (folds, count) = ([], 0)
      return
    }
    var next: [Int: Int] = [:]
    folds = kinds.map { kind in
      defer { next[kind, default: 0] += 1 }
      return next[kind, default: 0] % limit
    }
    count = limit
  }

  /// For each row what a fit to the rows of other folds makes of it; `nil` without folds. [N]
  func outOfFold<Fit, Value>(fit: (_ rows: [Int]) -> Fit, apply: (_ row: Int, Fit) -> Value) -> [Value]? {
    guard count > 0 else { return nil }
    let fits = (0..<count).map { fold in fit(folds.indices.filter { folds[$0] != fold }) }
    return folds.indices.map { apply($0, fits[folds[$0]]) }
  }
}
