import Foundation
import MemeData
import Metrics

/// One tidy row a cell, the same in `results.jsonl` and `results.csv`.
///
/// A row has the same columns whatever the task: those of a score that its task does not have are empty. A cell that
/// failed has no scores and says why.
struct ResultRow {
  /// A value as JSON and CSV have it.
  enum Value: Encodable {
    case text(String)
    case number(Double)
    case count(Int)
    case missing

    func encode(to encoder: any Encoder) throws {
      var container = encoder.singleValueContainer()
      switch self {
      case .text(let text): try container.encode(text)
      case .number(let number): try container.encode(number)
      case .count(let count): try container.encode(count)
      case .missing: try container.encodeNil()
      }
    }

    /// Numbers in their shortest form that reads back exactly.
    var csv: String {
      switch self {
      case .text(let text):
        text.contains(where: { ",\"\n\r".contains($0) })
          ? "\"" + text.replacing("\"", with: "\"\"").replacing("\r\n", with: "\n") + "\"" : text
      case .number(let number): "\(number)"
      case .count(let count): "\(count)"
      case .missing: ""
      }
    }
  }

  let columns: [(name: String, value: Value)]

  init(place: BenchmarkCell.Place, recipe: String, result: CellResult?, failure: String?) {
    func number(_ value: Double?) -> Value { value.map { .number($0) } ?? .missing }
    func count(_ value: Int?) -> Value { value.map { .count($0) } ?? .missing }
    var columns: [(String, Value)] = [
      ("dataset", .text(place.dataset)), ("task", place.task.map { .text($0) } ?? .missing),
      ("method", .text(place.method)), ("recipe", .text(recipe)), ("encoder", .text(place.encoder)),
      ("label_ratio", place.labels <= 1 ? .number(place.labels) : .missing), ("labels", count(result?.labelled)),
      ("unlabelled", count(result?.unlabelled)), ("seed", .count(Int(place.seed))),
      ("parameters", count(result?.parameters)), ("seconds", number(result?.seconds)),
      ("peak_mb", number(result?.peakMegabytes)),
    ]
    for part in CellResult.Part.allCases {
      for metric in Metric.allCases {
        columns.append(("\(part.rawValue)_\(metric.rawValue)", number(result?.score(metric, part))))
      }
    }
    columns.append(("test_leaks", count(result?.leakedTestMemes)))
    columns.append(("failure", failure.map { .text($0) } ?? .missing))
    self.columns = columns
  }

  static func rows(_ results: [CellResult], _ failures: [BenchmarkRun.Failure]) -> [ResultRow] {
    results.map { ResultRow(place: $0.place, recipe: $0.recipe, result: $0, failure: nil) }
      + failures.map {
        ResultRow(place: $0.cell.place, recipe: $0.cell.recipeName, result: nil, failure: $0.reason)
      }
  }

  static func jsonLines(_ results: [CellResult], _ failures: [BenchmarkRun.Failure]) throws -> Data {
    try rows(results, failures).reduce(into: Data()) { lines, row in
      try lines.append(JSON.line(Dictionary(uniqueKeysWithValues: row.columns.map { ($0.name, $0.value) })))
    }
  }

  static func csv(_ results: [CellResult], _ failures: [BenchmarkRun.Failure]) -> Data {
    let rows = rows(results, failures)
    guard let first = rows.first else { return Data() }
    let lines = [first.columns.map(\.name)] + rows.map { $0.columns.map(\.value.csv) }
    return Data(lines.map { $0.joined(separator: ",") + "\n" }.joined().utf8)
  }
}
