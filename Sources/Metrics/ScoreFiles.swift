import Foundation

/// A truth file and a prediction file, JSON Lines or MAMI's own, matched by id and ready to be scored.
///
/// Truth lines are `{"id": "a", "labels": {"hateful": 1}}`, or `{"id": "a", "label": "positive"}` for multi-class
/// tasks; prediction lines are `{"id": "a", "probabilities": {"hateful": 0.93}}`. Ids are strings or whole numbers;
/// other keys are left alone, blank lines skipped. MAMI's files, `.txt` or `.tsv`, have a tab between a file name and one or
/// five columns of 0 or 1. Labels stand in alphabetical order.
public struct ScoreFiles: Sendable {
  public let kind: TaskKind
  /// The label names, sorted; one for a binary task.
  public let labels: [String]
  /// The ids in the order of the truth file. [N]
  public let ids: [String]
  /// The probabilities in the same order. [N, L]
  public let probabilities: [[Double]]
  /// Whether each meme carries each label, or has that class. [N, L]
  public let truth: [[Bool]]

  private let predictionLines: [Int]
  private let predictionPath: String

  /// Reads and matches two files.
  ///
  /// - Throws: ``ScoreFileError`` with file and line for a file that cannot be read, a line that is not the expected
  ///   JSON, labels or ids that are missing, duplicate or not in the other file.
  public init(truth truthURL: URL, predictions predictionURL: URL, kind: TaskKind) throws(ScoreFileError) {
    let truthRows = try TruthRow.read(truthURL, kind: kind)
    let predictionRows = try PredictionRow.read(predictionURL, kind: kind)
    let labels =
      switch kind {
      case .binary, .multilabel: truthRows[0].value.labels.keys.sorted()
      case .multiclass: predictionRows[0].value.probabilities.keys.sorted()
      }
    if kind == .binary && labels.count != 1 {
      throw .invalid(
        file: truthURL.path, line: truthRows[0].line,
        problem: "expected exactly one label for the task kind binary but found \(quotedList(labels))")
    }
    if kind == .multiclass && labels.count < 2 {
      throw .invalid(
        file: predictionURL.path, line: predictionRows[0].line,
        problem: "expected the probabilities of at least two classes but found \(quotedList(labels))")
    }
    let known = Set(labels)
    for row in truthRows { try row.value.check(against: known, kind: kind, file: truthURL.path, line: row.line) }
    for row in predictionRows { try row.value.check(against: known, file: predictionURL.path, line: row.line) }

    let truthIndex = try index(truthRows, file: truthURL.path, id: \.id)
    let predictionIndex = try index(predictionRows, file: predictionURL.path, id: \.id)
    if let row = truthRows.first(where: { predictionIndex[$0.value.id] == nil }) {
      let missing = truthRows.count { predictionIndex[$0.value.id] == nil }
      throw .invalid(
        file: truthURL.path, line: row.line,
        problem: "id '\(row.value.id)' has no line in \(predictionURL.path) (\(missing) such ids); predict every meme")
    }
    if let row = predictionRows.first(where: { truthIndex[$0.value.id] == nil }) {
      throw .invalid(
        file: predictionURL.path, line: row.line,
        problem: "id '\(row.value.id)' is not in \(truthURL.path); predict only the memes of the truth file")
    }

    let matched = truthRows.compactMap { row in predictionIndex[row.value.id].map { predictionRows[$0] } }
    self.kind = kind
    self.labels = labels
    self.ids = truthRows.map(\.value.id)
    self.truth = truthRows.map { row in labels.map { row.value.labels[$0] == 1 } }
    self.probabilities = matched.map { row in labels.map { row.value.probabilities[$0] ?? .nan } }
    self.predictionLines = matched.map(\.line)
    self.predictionPath = predictionURL.path
  }

  /// Scores the predictions.
  ///
  /// - Parameter excluded: ids of memes that are left out.
  /// - Throws: ``ScoreFileError`` naming the line of a probability outside 0…1 or of class probabilities that do not
  ///   add up to 1.
  public func report(excluding excluded: Set<String> = []) throws(ScoreFileError) -> MetricReport {
    let rows = ids.indices.filter { !excluded.contains(ids[$0]) }
    let (truth, probabilities) = (rows.map { self.truth[$0] }, rows.map { self.probabilities[$0] })
    do throws(MetricError) {
      switch kind {
      case .binary:
        return try .evaluate(truth: truth.map { $0[0] }, probabilities: probabilities.map { $0[0] }, label: labels[0])
      case .multiclass:
        let classes = truth.map { $0.firstIndex(of: true) ?? -1 }
        return try .evaluate(truth: classes, probabilities: probabilities, labels: labels)
      case .multilabel:
        return try .evaluate(truth: truth, probabilities: probabilities, labels: labels)
      }
    } catch {
      throw .invalid(file: predictionPath, line: error.row.map { predictionLines[rows[$0]] }, problem: error.problem)
    }
  }
}

/// Why a truth or prediction file cannot be scored. Lines count from 1.
public enum ScoreFileError: Error, Equatable, Sendable {
  case unreadable(file: String, reason: String)
  case invalid(file: String, line: Int?, problem: String)
}

extension ScoreFileError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .unreadable(let file, let reason): "\(file): \(reason)"
    case .invalid(let file, let line?, let problem): "\(file):\(line): \(problem)"
    case .invalid(let file, nil, let problem): "\(file): \(problem)"
    }
  }
}

/// Maps each id to its row, refusing a second row of the same id.
private func index<Row>(
  _ rows: [(line: Int, value: Row)], file: String, id: (Row) -> String
) throws(ScoreFileError) -> [String: Int] {
  var result: [String: Int] = [:]
  for (position, row) in rows.enumerated() {
    if let first = result.updateValue(position, forKey: id(row.value)) {
      throw .invalid(
        file: file, line: row.line, problem: "id '\(id(row.value))' is already on line \(rows[first].line); keep one")
    }
  }
  return result
}
