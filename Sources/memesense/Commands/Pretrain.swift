import ArgumentParser
import Checkpoints
import Encoders
import Foundation
import Methods
import Networks
import Report
import Training

import enum Torch.Device

/// `memesense pretrain`: from pictures without labels to an encoder in a run folder.
struct Pretrain: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Train networks on memes without labels.",
    discussion: """
        memesense pretrain --method dino --backbone resnet18 --data PATH --output runs/dino
        memesense pretrain --method cass --backbone resnet18,vit-tiny16 --data PATH --data MORE --output runs/cass
        memesense train --encoder runs/dino --data PATH --task harmful --output runs/on-dino
        memesense train --method finetune --init runs/dino --data PATH --task harmful --output runs/tuned

      Memes of the training splits alone are read: their pictures, and by clip and cass-mm their texts. With --task
      features are scored by the labelled few after each epoch, which changes nothing in the training. A killed run goes
      on with --resume and ends with the bytes of one that was never interrupted.
      """)

  @Option(
    help: "The method, trained by its lite recipe: \(PretrainingCatalog.all.map { $0.name }.joined(separator: ", ")).")
  var method: String?

  @Option(help: "A recipe: a YAML file, or a name from 'memesense recipe list'.")
  var recipe: String?

  @Option(help: "A dataset: a folder or an annotation file; may be repeated.", completion: .directory)
  var data: [String] = []

  @Option(
    help: """
      The network, of cass and cass-mm the convolutional one and the transformer with a comma between: \
      \(Backbone.all.map(\.name).joined(separator: ", ")).
      """)
  var backbone: String?

  @Option(
    name: .customLong("init"),
    help: """
      What the network starts from: a run of this command, a model of the hub in timm's layout, or a file of weights; of \
      cass and cass-mm two with a comma between, or one run that has both. Of one run a network for texts of the same sizes \
      is taken up too.
      """)
  var start: String?

  @Option(help: "A task of two classes in the first dataset, whose labelled few tell what features are worth.")
  var task: String?

  @Option(help: "How many of the training memes are labelled for --task: a fraction or, above 1, a count.")
  var labels: Double?

  @Option(help: "Drives the initialisation, the views and every shuffle.")
  var seed: UInt64?

  @Option(help: Device.help)
  var device: Device?

  @Option(name: .customLong("set"), help: "Replace any field of the recipe: --set settings.training.epochs=30")
  var overrides: [String] = []

  @Option(name: .shortAndLong, help: "The run's folder, new or empty.")
  var output: String

  @Flag(help: "Go on with what a killed run left in --output.")
  var resume = false

  @Flag(help: "Fail at bad rows of a dataset instead of leaving them out.")
  var strict = false

  @OptionGroup var display: OutputOptions

  func validate() throws {
    guard (recipe == nil) != (method == nil) else {
      throw ValidationError("Give --method or --recipe, one of them: a recipe names its method.")
    }
  }

  func run() throws {
    let library = try ChartLibrary.found()
    let run = try PretrainingRun(
      recipe: try resolved(), folder: URL(fileURLWithPath: output), observer: display.observer)
    try run.checkFolder(resumes: resume)
    if resume, let metrics = try run.finishedMetrics() {
      Console.error("\(output) is complete; there is nothing to resume")
      return try Console.write(metrics)
    }
    let outcome = try run.execute(strict: strict, resumes: resume)
    try PretrainingReport(run: run, outcome: outcome, command: CommandLine.arguments).write(library)
    try run.finish()
    if display.json { return try Console.printJSON(outcome.summary) }
    try Console.print(outcome.summary.text)
    try Console.print(
      "\nthe networks are in \(output); try\n  memesense train --encoder \(output) --data PATH --output RUN")
  }

  /// The recipe with everything the command line changes.
  private func resolved() throws -> PretrainingRecipe {
    var resolved =
      try method.map {
        try PretrainingRecipe(yaml: PretrainingLibrary.defaultText(method: $0), source: $0, overrides: overrides)
      }
      ?? PretrainingRecipe(yaml: PretrainingLibrary.text(of: recipe!), source: recipe!, overrides: overrides)
    if !data.isEmpty { resolved.data = data }
    // A run must find its data from wherever it is resumed.
    resolved.data = resolved.data.map { URL(fileURLWithPath: $0).standardizedFileURL.path }
    if let backbone { try setBackbones(backbone, in: &resolved) }
    if let start {
      let weights = start.split(separator: ",", omittingEmptySubsequences: false).map {
        InitialWeights(argument: String($0))
      }
      try resolved.method.start(from: weights)
      if let run = PretrainedRunName(start) { resolved.method.startTexts(from: try run.networks, of: weights[0]) }
    }
    if let task { resolved.task = task }
    if let labels {
      guard labels > 0, labels <= Recipe.labelLimit else {
        throw ValidationError("--labels is a fraction such as 0.05 or a count such as 150.")
      }
      resolved.labels = labels
    }
    if let seed { resolved.seed = seed }
    if let device { resolved.device = device }
    if let fault = resolved.method.fault { throw MethodError("\(resolved.methodName): \(fault)") }
    return resolved
  }

  private func setBackbones(_ names: String, in recipe: inout PretrainingRecipe) throws {
    let names = names.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    guard names.count == recipe.method.backbones.count else {
      throw ValidationError(
        "--backbone: \(recipe.methodName) trains \(recipe.method.backbones.count), not \(names.count).")
    }
    for (index, name) in names.enumerated() {
      guard let backbone = Backbone.named(name) else {
        throw ValidationError(Backbone.unknown(name))
      }
      recipe.method.backbones[index].name = backbone
    }
  }
}

extension Backbone {
  /// What is wrong with a name that no network has.
  static func unknown(_ name: String) -> String {
    "there is no backbone '\(name)'; there are \(all.map(\.name).joined(separator: ", "))"
  }
}

extension InitialWeights {
  /// What a name on the command line stands for; a run is found from wherever the program is started later.
  init(argument: String) { self.init(named: PretrainedRunName(argument)?.absolute ?? argument) }
}

extension PretrainingRun.Summary {
  /// What was measured before and after, for people.
  var text: String {
    var table = TextTable(
      columns: ["measure"] + ["before", "after"].map { TextTable.Column($0, alignment: .right) })
    for name in Set(before.keys).union(after.keys).sorted() {
      table.append([name] + [before[name], after[name]].map { $0.map { String(format: "%.4f", $0) } ?? "" })
    }
    return "\(pictures) pictures, \(parameters) parameters, \(String(format: "%.1f", seconds)) s\n\n\(table.text)"
  }
}

/// `report.html` of a pretraining: its loss and what was measured after each epoch.
private struct PretrainingReport {
  let run: PretrainingRun
  let outcome: PretrainingRun.Outcome
  let command: [String]

  func write(_ library: ChartLibrary) throws {
    try writeAtomically(Data(page.html(library: library).utf8), to: run.folder.appending(path: "report.html"))
  }

  private var page: ReportPage {
    let (recipe, summary) = (run.recipe, outcome.summary)
    return ReportPage(
      title: "\(recipe.methodName) without labels",
      summary: "\(recipe.methodName) trained \(outcome.networks.map(\.backbone.name).joined(separator: " and ")) on "
        + "\(summary.pictures) pictures.",
      sections: [
        .init("Training", [.charts(lossCharts(outcome.epochs))]),
        .init("What the features are worth", [.table(warnings), .charts(measureCharts)]),
      ],
      nextSteps: [
        .init(
          purpose: "Train a classifier on its features",
          command: "memesense train --encoder \(run.folder.relativePath.shellQuoted) --data PATH --output RUN")
      ],
      provenance: .init(
        command: command.shellCommand, date: Date(), machine: Machine.summary,
        seeds: [Int(clamping: recipe.seed)],
        details: recipe.data.map { ("data", $0) } + [("training", String(format: "%.1f s", summary.seconds))]))
  }

  /// What the measures warned of; a table without rows is left out.
  private var warnings: PlainTable {
    PlainTable(
      title: "Warnings", columns: [.init("epoch", isNumber: true), .init("warning")],
      rows: outcome.epochs.flatMap { epoch in (epoch.warnings ?? []).map { ["\(epoch.epoch)", $0] } })
  }

  /// One chart a measure, from before the first epoch on; of networks that were not trained what they are in the end.
  private var measureCharts: [any Chart] {
    let first = outcome.epochs.isEmpty ? outcome.summary.after : outcome.summary.before
    return first.sorted { $0.key < $1.key }.map { name, value in
      let points =
        [ChartPoint(x: 0, y: value)]
        + outcome.epochs.compactMap { epoch in
          epoch.measures?[name].map { ChartPoint(x: Double(epoch.epoch), y: $0) }
        }
      return LineChart(title: name, xLabel: "epoch", yLabel: name, series: [.init(name: name, points: points)])
    }
  }
}
