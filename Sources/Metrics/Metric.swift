/// The name of one score of a ``MetricReport``; the raw value is its JSON key.
public enum Metric: String, CaseIterable, Sendable {
  case auroc
  /// Of binary tasks alone: the mean of the AUROCs of batches of 64 memes, as Hate-CLIPper's figures are published.
  case aurocBatched = "auroc_batched"
  case averagePrecision = "average_precision"
  case accuracy
  case f1
  case f1Macro = "f1_macro"
  case f1Micro = "f1_micro"
  case f1Weighted = "f1_weighted"
  case precision
  case precisionMacro = "precision_macro"
  case precisionMicro = "precision_micro"
  case precisionWeighted = "precision_weighted"
  case recall
  case recallMacro = "recall_macro"
  case recallMicro = "recall_micro"
  case recallWeighted = "recall_weighted"
  case mamiA = "mami_a"
  case mamiB = "mami_b"
  case brier
  case ece
  case logLoss = "log_loss"

  /// Reads a name as people type it, with `-` or `_` between words: `mami-a`, `f1_macro`.
  ///
  /// - Throws: ``MetricError/unknownMetric(_:)``, whose description lists the names there are.
  public init(name: String) throws(MetricError) {
    let key = name.lowercased().map { $0 == "-" ? "_" : $0 }
    guard let metric = Metric(rawValue: String(key)) else { throw .unknownMetric(name) }
    self = metric
  }

  /// Whether more is better; of errors, less is.
  public var isHigherBetter: Bool {
    switch self {
    case .brier, .ece, .logLoss: false
    default: true
    }
  }
}

extension Metric: Codable {
  /// Decodes a name as people type it.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    do {
      self = try Metric(name: container.decode(String.self))
    } catch let error as MetricError {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "\(error)")
    }
  }
}
