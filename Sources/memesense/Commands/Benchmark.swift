import ArgumentParser
import Foundation
import Metrics
import Report
import Training

import enum Torch.Device
import enum Torch.Runtime

/// `memesense benchmark`: many trainings by one file, and the tables made of them.
struct Benchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "benchmark", abstract: "Train and compare methods by a suite, and write tables and a report.",
    discussion: """
      A suite is one YAML file: datasets × methods × encoders × numbers of labels × seeds. Each combination is a cell, \
      trained and scored exactly as 'memesense train' does it.

        memesense benchmark demo --output runs/drawn    draws its own memes
        memesense benchmark harmeme --data harmeme=PATH --output runs/harmeme
        memesense benchmark harmeme --data harmeme=PATH --methods semimemes,concat
        memesense benchmark show harmeme > mine.yaml    to write one's own
        memesense benchmark mine.yaml --data harmeme=PATH --set seeds=[42,43]

      A suite may pretrain networks first (selfsupervised), which its methods take as encoders or start from.

      Finished cells are kept: after a kill, the same command goes on where it was. A cell whose recipe or data has \
      changed is trained anew. With --methods the cells of these methods alone are trained; finished ones of others stay \
      in the tables. A cell that fails is reported and does not stop the others; the exit status is then 1.

      OUTPUT holds report.html and table.md (means ± deviations, the best in bold, published figures marked as such, \
      how sure the differences are), results.jsonl and results.csv (a row a cell), and under cells/ the run of every \
      cell, which 'memesense evaluate' and 'memesense predict' take; of pretrainings the same in pretrainings.jsonl, \
      pretrainings.csv and pretrainings/. 'memesense benchmark run --help' has all options.
      """,
    subcommands: [Run.self, List.self, Show.self, Validate.self], defaultSubcommand: Run.self)

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Name the shipped suites.")

    @Flag(help: "Print one JSON object instead of a table.")
    var json = false

    private struct Row: Encodable {
      var name: String
      var title: String
      var datasets: [String]
    }

    func run() throws {
      let rows = try SuiteLibrary.names.map { name in
        let suite = try BenchmarkSuite(yaml: SuiteLibrary.text(named: name), source: name)
        return Row(name: name, title: suite.title, datasets: Set(suite.datasets.map(\.name)).sorted())
      }
      if json { return try Console.printJSON(["suites": rows]) }
      var table = TextTable(columns: ["suite", "what", "datasets"])
      for row in rows { table.append([row.name, row.title, row.datasets.joined(separator: ", ")]) }
      try Console.print(table.text)
    }
  }

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Print a shipped suite.")

    @Argument(help: "A name from 'memesense benchmark list'.")
    var name: String

    func run() throws { try Console.write(Data(SuiteLibrary.text(named: name).utf8)) }
  }

  struct Validate: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Check a suite and every recipe that it uses.")

    @Argument(
      help: "A YAML file, or a name from 'memesense benchmark list'.", completion: .file(extensions: ["yaml", "yml"]))
    var suite: String

    func run() throws {
      let file = try SuiteFile(suite)
      let parsed = try file.suite()
      try parsed.requireCellsOfPublished(source: suite)
      // Where the data lies is not the suite's affair: any folder does for checking.
      let anywhere = Dictionary(parsed.datasets.map { ($0.name, URL(fileURLWithPath: "/")) }) { first, _ in first }
      let plan = try BenchmarkPlan(
        parsed, name: file.name, source: file.url, bindings: anywhere, folder: URL(fileURLWithPath: "/"))
      let pretrainings = plan.pretrainings.isEmpty ? "" : "\(plan.pretrainings.count) pretrainings, "
      try Console.print("\(suite): \(pretrainings)\(plan.cells.count) cells, \(parsed.title)")
    }
  }

  struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Train and score the cells of a suite that are not there yet.")

    @Argument(
      help: "A YAML file, or a name from 'memesense benchmark list'.", completion: .file(extensions: ["yaml", "yml"]))
    var suite: String

    @Option(help: ArgumentHelp("Where a dataset of the suite lies.", valueName: "name=path"))
    var data: [String] = []

    @Flag(help: "Leave out datasets that no --data names, instead of refusing.")
    var skipUnbound = false

    @Option(
      help: ArgumentHelp(
        """
        Train these methods of the suite alone, with commas between. What an earlier call finished of others stays in the \
        tables.
        """, valueName: "names"))
    var methods: String?

    @Option(name: .shortAndLong, help: "The benchmark's folder; runs/SUITE unless given.")
    var output: String?

    @Option(
      help: """
        How many cells are trained at once, each with its share of the cores; unless given, one a core, or 1 on a GPU, \
        whose memory they would share. With 1 a cell on a processor equals 'memesense train' and 'evaluate' to the last \
        digit, and the memory that it took is measured. Give fewer than cores where memory is short: a cell that trains a \
        network, such as visualbert or lxmert, takes about 2 GB.
        """)
    var jobs: Int?

    @Option(help: Device.help)
    var device: Device?

    @Option(name: .customLong("set"), help: "Replace a field of the suite: --set seeds=[42,43]")
    var overrides: [String] = []

    @OptionGroup var display: OutputOptions

    func validate() throws {
      if let jobs, !(1...Runtime.threadCount).contains(jobs) {
        throw ValidationError("--jobs is 1 to \(Runtime.threadCount) on this machine, one a core at most, not \(jobs).")
      }
      if chosenMethods?.isEmpty == true { throw ValidationError("--methods names none.") }
      _ = try bindings
    }

    private var bindings: [String: URL] {
      get throws {
        var bindings: [String: URL] = [:]
        for binding in data {
          guard let equals = binding.firstIndex(of: "="), equals != binding.startIndex,
            binding.index(after: equals) != binding.endIndex
          else {
            throw ValidationError("--data \(binding): write it as NAME=PATH, such as harmeme=data/harmeme")
          }
          let name = String(binding[..<equals])
          guard bindings[name] == nil else { throw ValidationError("--data names '\(name)' twice.") }
          bindings[name] = URL(fileURLWithPath: String(binding[binding.index(after: equals)...])).standardizedFileURL
        }
        return bindings
      }
    }

    /// The names in ``methods``.
    private var chosenMethods: [String]? {
      methods?.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
    }

    private struct Answer: Encodable {
      struct Failure: Encodable {
        var cell: String
        var reason: String
      }

      struct PretrainingFailure: Encodable {
        var pretraining: String
        var reason: String
      }

      var suite: String
      var output: String
      /// Of the suite, those of methods that are not trained included.
      var cells: Int
      /// Finished cells, and how many of them an earlier call had finished.
      var finished: Int
      var kept: Int
      var failures: [Failure]
      var metrics: [Metric]
      var groups: [BenchmarkSummary.Group]
      /// Left out where the suite has none.
      var pretrainings: [BenchmarkSummary.Pretraining]?
      var pretrainingFailures: [PretrainingFailure]?

      enum CodingKeys: String, CodingKey {
        case suite, output, cells, finished, kept, failures, metrics, groups, pretrainings
        case pretrainingFailures = "pretraining_failures"
      }
    }

    func run() throws {
      let file = try SuiteFile(suite)
      let folder = URL(fileURLWithPath: output ?? "runs/\(file.name)")
      try device?.requireAvailable()
      let plan = try BenchmarkPlan(
        file.suite(overrides: overrides), name: file.name, source: file.url, bindings: bindings,
        methods: chosenMethods, device: device, skipsUnbound: skipUnbound, folder: folder)
      if !plan.unbound.isEmpty { Console.error("without: \(plan.unbound.joined(separator: ", "))") }
      if !plan.absent.isEmpty {
        Console.error("without what is not at hand: \(plan.absent.joined(separator: ", "))")
      }
      let library = try ChartLibrary.found()
      let jobs = jobs ?? plan.usualJobs
      let observer = BenchmarkDisplay(plan, jobs: jobs, isQuiet: display.quiet, preparation: display.observer)
      let outcome = try BenchmarkRun(plan, jobs: jobs, observer: observer).execute()
      observer.end()
      let report = BenchmarkReport(
        plan: plan, outcome: outcome, summary: try BenchmarkSummary(outcome.results, outcome.pretrainings, of: plan),
        jobs: jobs,
        command: CommandLine.arguments, library: library)
      try report.write()
      if display.json {
        try Console.printJSON(
          Answer(
            suite: plan.name, output: folder.path, cells: plan.cells.count, finished: outcome.results.count,
            kept: outcome.keptCount,
            failures: outcome.failures.map { .init(cell: "\($0.cell.place)", reason: $0.reason) },
            metrics: report.summary.metrics, groups: report.summary.groups,
            pretrainings: plan.pretrainings.isEmpty ? nil : report.summary.pretrainings,
            pretrainingFailures: plan.pretrainings.isEmpty
              ? nil : outcome.pretrainingFailures.map { .init(pretraining: "\($0.pretraining)", reason: $0.reason) }))
      } else {
        for comparison in report.comparisons {
          try Console.print("\(comparison.title)\n\n\(comparison.textTable.text)\n")
        }
        for group in report.summary.groups {
          guard let most = group.leakCounts.max(), most > 0 else { continue }
          let count = group.leakCounts.count > 1 ? "up to \(most)" : "\(most)"
          try Console.print(
            "\(group.name): \(count) test memes stand in training or validation too; table.md has the scores without them"
          )
        }
        try Console.print("Report: \(folder.appending(path: "report.html").path)")
      }
      if !outcome.isComplete { throw IncompleteBenchmark(outcome, of: plan) }
    }
  }
}

/// Some cells or pretrainings have no result.
struct IncompleteBenchmark: Error, CustomStringConvertible {
  var description: String

  init(_ outcome: BenchmarkRun.Outcome, of plan: BenchmarkPlan) {
    let pretrainings = outcome.pretrainingFailures.map { ("\($0.pretraining)", $0.reason) }
    let cells = outcome.failures.map { ("\($0.cell.place)", $0.reason) }
    let counts = [
      pretrainings.isEmpty ? nil : "\(pretrainings.count) of \(plan.pretrainings.count) pretrainings",
      cells.isEmpty ? nil : "\(cells.count) of \(plan.cells.count) cells",
    ]
    let (what, reason) = (pretrainings + cells)[0]
    description =
      "\(counts.compactMap(\.self).joined(separator: " and ")) have no result, the first of them '\(what)': \(reason). "
      + "All stand in \(plan.folder.appending(path: cells.isEmpty ? "pretrainings.csv" : "results.csv").path); the same "
      + "command tries them again"
  }
}

/// A suite as the command line names it.
private struct SuiteFile {
  /// The name of a shipped suite, or of the file without its extension.
  let name: String
  /// The file; `nil` for a shipped suite.
  let url: URL?

  init(_ argument: String) throws {
    let isFile = RecipeLibrary.isFile(argument)
    url = isFile ? URL(fileURLWithPath: argument) : nil
    name = isFile ? URL(fileURLWithPath: argument).deletingPathExtension().lastPathComponent : argument
  }

  func suite(overrides: [String] = []) throws -> BenchmarkSuite {
    let text = try url.map { try String(contentsOf: $0, encoding: .utf8) } ?? SuiteLibrary.text(named: name)
    return try BenchmarkSuite(yaml: text, source: url?.relativePath ?? name, overrides: overrides)
  }
}
