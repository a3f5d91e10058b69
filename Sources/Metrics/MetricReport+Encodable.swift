extension MetricReport: Encodable {
  /// Writes one object with snake_case keys; undefined scores are `null`, with their reasons under `undefined`.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(kind, forKey: Key("task_kind"))
    try container.encode(labels, forKey: Key("labels"))
    try container.encode(count, forKey: Key("memes"))
    var undefined: [String: String] = [:]
    for metric in Metric.allCases {
      guard let score = scores[metric] else { continue }
      try container.encode(score, forKey: Key(metric.rawValue))
      undefined[metric.rawValue] = score.reason
    }
    try container.encodeIfPresent(confusionMatrix, forKey: Key("confusion_matrix"))
    try container.encode(undefined, forKey: Key("undefined"))
    var perLabelContainer = container.nestedContainer(keyedBy: Key.self, forKey: Key("per_label"))
    for label in perLabel { try perLabelContainer.encode(label, forKey: Key(label.name)) }
  }
}

extension LabelScores: Encodable {
  /// Writes the scores with snake_case keys; undefined ones are `null`, with their reasons under `undefined`.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(auroc, forKey: Key("auroc"))
    try container.encode(averagePrecision, forKey: Key("average_precision"))
    try container.encode(counts.precision, forKey: Key("precision"))
    try container.encode(counts.recall, forKey: Key("recall"))
    try container.encode(counts.f1, forKey: Key("f1"))
    try container.encode(counts.support, forKey: Key("support"))
    try container.encode(counts.matrix, forKey: Key("confusion_matrix"))
    var undefined: [String: String] = [:]
    undefined["auroc"] = auroc.reason
    undefined["average_precision"] = averagePrecision.reason
    try container.encode(undefined, forKey: Key("undefined"))
  }
}

/// A key that may be a label's name.
private struct Key: CodingKey {
  let stringValue: String
  var intValue: Int? { nil }

  init(_ name: String) { stringValue = name }
  init?(stringValue: String) { self.init(stringValue) }
  init?(intValue: Int) { nil }
}
