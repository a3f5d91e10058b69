import Foundation
import MemeData
import Metrics

/// One tidy row, the same as JSON and as CSV: of a cell, or of a network of a pretraining.
///
/// Rows of a file have the same columns: those of what does not apply are empty. What failed has no numbers and says why.
struct ResultRow {
  /// A value as JSON and CSV have it.
  enum Value: Encodable {
    case text(String)
    case number(Double)
    case count(Int)
    case missing

    init(_ text: String?) { self = text.map { .text($0) } ?? .missing }
    init(_ number: Double?) { self = number.map { .number($0) } ?? .missing }
    init(_ count: Int?) { self = count.map { .count($0) } ?? .missing }

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
        // By bytes: CR and LF together are one character, and another one than either.
        text.utf8.contains(where: { ",\"\n\r".utf8.contains($0) })
          ? "\"" + text.replacing("\"", with: "\"\"").replacing("\r\n", with: "\n") + "\"" : text
      case .number(let number): "\(number)"
      case .count(let count): "\(count)"
      case .missing: ""
      }
    }
  }

  let columns: [(name: String, value: Value)]

  static func jsonLines(_ rows: [ResultRow]) throws -> Data {
    try rows.reduce(into: Data()) { lines, row in
      try lines.append(JSON.line(Dictionary(uniqueKeysWithValues: row.columns.map { ($0.name, $0.value) })))
    }
  }

  static func csv(_ rows: [ResultRow]) -> Data {
    guard let first = rows.first else { return Data() }
    let lines = [first.columns.map(\.name)] + rows.map { $0.columns.map(\.value.csv) }
    return Data(lines.map { $0.joined(separator: ",") + "\n" }.joined().utf8)
  }
}

extension BenchmarkPlan {
  /// A row a cell.
  func rows(of results: [CellResult], _ failures: [BenchmarkRun.Failure]) -> [ResultRow] {
    results.map { row(of: $0.place, recipe: $0.recipe, $0, failure: nil) }
      + failures.map { row(of: $0.cell.place, recipe: $0.cell.recipeName, nil, failure: $0.reason) }
  }

  /// What methods start from has a column where the suite says it.
  private func row(
    of place: BenchmarkCell.Place, recipe: String, _ result: CellResult?, failure: String?
  ) -> ResultRow {
    var columns: [(String, ResultRow.Value)] = [
      ("dataset", .text(place.dataset)), ("task", .init(place.task)), ("method", .text(place.method)),
      ("recipe", .text(recipe)), ("encoder", .text(place.encoder)),
    ]
    if suite.methods.contains(where: { $0.starts != nil }) { columns.append(("init", .init(place.start))) }
    columns += [
      ("label_ratio", place.labels <= 1 ? .number(place.labels) : .missing), ("labels", .init(result?.labelled)),
      ("unlabelled", .init(result?.unlabelled)), ("seed", .count(Int(place.seed))),
      ("parameters", .init(result?.parameters)), ("seconds", .init(result?.seconds)),
      ("peak_mb", .init(result?.peakMegabytes)),
    ]
    for part in CellResult.Part.allCases {
      for metric in Metric.allCases {
        columns.append(("\(part.rawValue)_\(metric.rawValue)", .init(result?.score(metric, part))))
      }
    }
    columns += [("test_leaks", .init(result?.leakedTestMemes)), ("failure", .init(failure))]
    return ResultRow(columns: columns)
  }

  /// A row a network.
  func rows(
    of pretrained: [BenchmarkRun.Pretrained], _ failures: [BenchmarkRun.PretrainingFailure]
  ) -> [ResultRow] {
    pretrained.flatMap { rows(of: $0.pretraining, $0.result, failure: nil) }
      + failures.flatMap { rows(of: $0.pretraining, nil, failure: $0.reason) }
  }

  private func rows(
    of pretraining: BenchmarkPretraining, _ result: PretrainingResult?, failure: String?
  ) -> [ResultRow] {
    pretraining.networks.map { network in
      var columns: [(String, ResultRow.Value)] = [
        ("pretraining", .text(pretraining.label(of: network))), ("method", .text(pretraining.recipe.methodName)),
        ("recipe", .text(pretraining.recipeName)), ("backbone", .text(network.backbone.name)),
        ("datasets", .text(pretraining.datasets.joined(separator: " + "))), ("seed", .count(Int(pretraining.seed))),
        ("pictures", .init(result?.pictures)), ("parameters", .init(result?.parameters)),
        ("epochs", .init(result?.epochs.count)), ("seconds", .init(result?.seconds)),
        ("loss", .init(result?.epochs.last?.loss)),
      ]
      for measure in PretrainingResult.Measure.allCases {
        let curve = result?.curve(measure, of: network)
        columns.append(("\(measure.rawValue)_before", .init(curve?.first?.value)))
        columns.append(("\(measure.rawValue)_after", .init(curve?.last?.value)))
      }
      return ResultRow(columns: columns + [("failure", .init(failure))])
    }
  }
}
