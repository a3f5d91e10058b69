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
    let folder = dataset.root.relativePath.shellQuoted
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
        .init(purpose: "Look for what spoils scores", command: "memesense data audit \(folder)"),
        .init(
          purpose: "Learn from it",
          command: "memesense train --data \(folder) --task \((summary.tasks.first?.name ?? "TASK").shellQuoted) "
            + "--output runs/first"),
      ],
      provenance: .init(
        command: CommandLine.arguments.shellCommand, date: Date(), machine: Machine.summary, seeds: [],
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
    return Self.histogram("Length of texts", of: lengths, unit: "words")
  }

  /// Sizes as the files' headers say them; files that cannot be read are left out.
  private func pictureSizes() throws -> [any Chart] {
    let files = dataset.memes.compactMap(\.image)
    let sizes = Mutex<[ImageHeader]>([])
    let workers = Runtime.threadCount
    try Runtime.concurrently(workers, threadsEach: 1) { worker, _ in
      let decoder = ImageDecoder()
      for index in stride(from: worker, to: files.count, by: workers) {
        guard let data = try? decoder.bytes(contentsOf: files[index]),
          let header = try? decoder.header(of: data, name: files[index].lastPathComponent)
        else { continue }
        sizes.withLock { $0.append(header) }
      }
    }
    let headers = sizes.withLock { $0 }
    guard !headers.isEmpty else { return [] }
    return [
      Self.histogram("Width of pictures", of: headers.map(\.width), unit: "pixels"),
      Self.histogram("Height of pictures", of: headers.map(\.height), unit: "pixels"),
    ]
  }

  /// Counts by equal round steps from 0, about twenty of them for all but the largest hundredth of the values; the last
  /// column holds what is beyond.
  private static func histogram(_ title: String, of values: [Int], unit: String) -> any Chart {
    let sorted = values.sorted()
    let usual = max(sorted.isEmpty ? 1 : sorted[(sorted.count - 1) * 99 / 100], 1)
    let steps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000]
    let step = steps.first { usual / $0 < 20 } ?? 10_000
    let last = usual / step
    let isCut = (sorted.last ?? 0) / step > last
    var counts = [Int](repeating: 0, count: last + (isCut ? 2 : 1))
    for value in values { counts[min(value / step, counts.count - 1)] += 1 }
    let names = counts.indices.map { index in
      let lower = index * step
      return isCut && index > last ? "\(lower)+" : step == 1 ? "\(lower)" : "\(lower)–\(lower + step - 1)"
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
