import Foundation
import MemeData
import Report
import Synchronization
import Torch

/// The page of `memesense data inspect --report`: what a dataset looks like.
struct DatasetReport {
  let dataset: Dataset
  let summary: DatasetSummary

  func page() throws -> ReportPage {
    let total = summary.parts.reduce(0) { $0 + $1.memes }
    let parts = summary.parts.map { "\($0.memes) \($0.split)" }.joined(separator: ", ")
    return ReportPage(
      title: "\(summary.name), \(summary.format.title)",
      summary: "\(total) memes (\(parts)) and \(summary.tasks.count) tasks; \(summary.problems.count) bad rows.",
      sections: [
        .init("Memes", [.table(memes)]),
        .init("Labels", [.charts(summary.tasks.map(labels))]),
        .init("Texts and pictures", [.charts([textLengths] + (try pictureSizes()))]),
        .init("Words", [.charts(words), .note("Words of three letters or more, without the commonest of English.")]),
      ],
      nextSteps: [
        .init(purpose: "Look for what spoils scores", command: "memesense data audit \(dataset.root.relativePath)"),
        .init(
          purpose: "Learn from it",
          command: "memesense train --data \(dataset.root.relativePath) --task \(summary.tasks.first?.name ?? "TASK") "
            + "--output runs/first"),
      ],
      provenance: .init(
        command: CommandLine.arguments.joined(separator: " "), date: Date(), machine: Machine.summary, seeds: [],
        details: [("data", dataset.root.path)]))
  }

  private var memes: PlainTable {
    PlainTable(
      title: "Memes by split",
      columns: [.init("split")] + ["memes", "without text", "without picture"].map { .init($0, isNumber: true) },
      rows: summary.parts.map { ["\($0.split)", "\($0.memes)", "\($0.missingTexts)", "\($0.missingImages)"] })
  }

  private func labels(of task: DatasetSummary.Task) -> any Chart {
    ColumnChart(
      title: task.name, xLabel: "label", yLabel: "memes", names: task.labels.map(\.label),
      series: summary.parts.enumerated().map { part, entry in
        .init(name: entry.split, counts: task.labels.map { $0.counts[part] })
      }, isLying: true)
  }

  // MARK: Histograms

  private var textLengths: any Chart {
    let lengths = dataset.memes.compactMap(\.text).map { $0.split(whereSeparator: \.isWhitespace).count }
    return Self.histogram("Length of texts", of: lengths, unit: "words", width: 5, columns: 20)
  }

  /// Sizes as the files' headers say them; files that cannot be read are left out.
  private func pictureSizes() throws -> [any Chart] {
    let files = dataset.memes.compactMap(\.image)
    let sizes = Mutex<[ImageHeader]>([])
    try Runtime.concurrently(Runtime.threadCount, threadsEach: 1) { worker, _ in
      let decoder = ImageDecoder()
      for index in stride(from: worker, to: files.count, by: Runtime.threadCount) {
        guard let data = try? decoder.bytes(contentsOf: files[index]),
          let header = try? decoder.header(of: data, name: files[index].lastPathComponent)
        else { continue }
        sizes.withLock { $0.append(header) }
      }
    }
    let headers = sizes.withLock { $0 }
    guard !headers.isEmpty else { return [] }
    return [
      Self.histogram("Width of pictures", of: headers.map(\.width), unit: "pixels", width: 100, columns: 20),
      Self.histogram("Height of pictures", of: headers.map(\.height), unit: "pixels", width: 100, columns: 20),
    ]
  }

  /// Counts by equal steps from 0; the last column holds all that is beyond.
  private static func histogram(
    _ title: String, of values: [Int], unit: String, width: Int, columns: Int
  ) -> any Chart {
    var counts = [Int](repeating: 0, count: min(columns, (values.max() ?? 0) / width + 1))
    for value in values { counts[min(value / width, counts.count - 1)] += 1 }
    let isCut = (values.max() ?? 0) / width >= columns
    let names = counts.indices.map { index in
      isCut && index == counts.count - 1 ? "\(index * width)+" : "\(index * width)–\((index + 1) * width - 1)"
    }
    return ColumnChart(
      title: title, xLabel: unit, yLabel: "memes", names: names, series: [.init(name: "memes", counts: counts)])
  }

  // MARK: Words

  private var words: [any Chart] {
    var counts: [String: Int] = [:]
    for text in dataset.memes.compactMap(\.text) {
      let words = text.lowercased().split { !$0.isLetter && $0 != "'" && $0 != "’" }
        .map { $0.replacing("’", with: "'").trimmingCharacters(in: ["'"]) }
      for word in Set(words) where word.count > 2 && !Self.stopWords.contains(word) { counts[word, default: 0] += 1 }
    }
    guard !counts.isEmpty else { return [] }
    return [WordCloud(title: "Words on the memes", words: counts.map { .init($0.key, count: $0.value) })]
  }

  private static let stopWords = Set(
    """
    the and you for that this with are was have not but they from what your all when his her she him who how can will \
    has had out one just there their them were been about would could should into than then its it's don't i'm be an of \
    to in is on at by me my we us our it he so if or as no do does did get got too also only over more some any these \
    those you're that's can't didn't doesn't isn't i've i'll let where why which because very
    """.split(separator: " ").map(String.init))
}
