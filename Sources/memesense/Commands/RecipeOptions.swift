import ArgumentParser
import Encoders
import Foundation
import Methods
import Metrics
import Networks
import Training

import enum Torch.Device

/// Which recipe a command trains by, and what it changes in it.
struct RecipeOptions: ParsableArguments {
  @Option(help: "A recipe: a YAML file, or a name from 'memesense recipe list'.")
  var recipe: String?

  @Option(
    help: """
      The method, trained by its default recipe: \(MethodCatalog.all.map { $0.name }.joined(separator: ", ")). Without it and \
      --recipe it is \(SemiMemes.name), of 'memesense label simulate' \(LogisticRegression.name).
      """)
  var method: String?

  @Option(help: "The dataset: a folder or an annotation file.", completion: .directory)
  var data: String?

  @Option(
    help: "Which memes of the dataset take part, and in which split: a file of 'memesense data audit --fix'.",
    completion: .file())
  var splitFile: String?

  @Option(
    help: ArgumentHelp(
      "Read texts that memes lack off their pictures, in this language (Tesseract's name, such as eng).",
      valueName: "language"))
  var readTexts: String?

  @Option(
    help: "The task to learn, such as harmful, or for simclip several as a,b; 'memesense data inspect' lists them.")
  var task: String?

  @Option(
    help: """
      How many training memes are labelled: a fraction (0.05) or, above 1, a count (150); the recipe's own, mostly 0.05, \
      unless given.
      """)
  var labels: Double?

  @Option(help: "Drives the label draw and the initialisation.")
  var seed: UInt64?

  @Option(help: "The frozen encoders; 'memesense encoders list --help' explains their names.")
  var encoder: String?

  @Option(
    name: .customLong("init"),
    help: """
      What finetune starts from: a run of 'memesense pretrain' (RUN, or RUN:NAME for one of its networks), which says the \
      networks and the size of pictures too; a model of the hub in timm's layout; or a file of weights.
      """)
  var start: String?

  @Option(
    help: """
      The network that finetune trains, of a run in --init the one to start from: \
      \(Backbone.all.map(\.name).joined(separator: ", ")).
      """)
  var backbone: String?

  @Option(help: Device.help)
  var device: Device?

  @Flag(
    help: "Choose temperature and thresholds by cross-validation on the validation split; predict then applies them.")
  var calibrate = false

  @Option(name: .customLong("set"), help: "Replace any field of the recipe: --set settings.head.hidden=128")
  var overrides: [String] = []

  func validate() throws {
    if recipe != nil && method != nil {
      throw ValidationError("Give --recipe or --method, not both: a recipe names its method.")
    }
  }

  /// The recipe with everything the command line changes.
  func resolved() throws -> Recipe {
    let name = try recipe ?? RecipeLibrary.defaultName(method: method ?? SemiMemes.name, encoder: encoder ?? "lite")
    var resolved = try Recipe(yaml: RecipeLibrary.text(of: name), source: name, overrides: overrides)
    // A run must find its data from wherever it is resumed or evaluated.
    resolved.data = (data ?? resolved.data).map { URL(fileURLWithPath: $0).standardizedFileURL.path }
    resolved.splitFile = (splitFile ?? resolved.splitFile).map { URL(fileURLWithPath: $0).standardizedFileURL.path }
    if let readTexts {
      guard !readTexts.isEmpty else { throw ValidationError("--read-texts is a language such as eng.") }
      resolved.readTexts = readTexts
    }
    if let task { resolved.task = task }
    if let labels {
      guard labels > 0, labels <= Recipe.labelLimit else {
        throw ValidationError("--labels is a fraction such as 0.05 or a count such as 150.")
      }
      resolved.labels = labels
    }
    if let seed { resolved.seed = seed }
    guard Recipe.seeds.contains(resolved.seed) else {
      throw ValidationError("The seed is \(resolved.seed); label draws take 0 to \(Recipe.seeds.upperBound).")
    }
    if let device { resolved.device = device }
    try setBackbone(in: &resolved)
    resolved.encoder = EncoderCatalog.absoluteName(encoder ?? resolved.encoder)
    if calibrate { resolved.calibration = resolved.calibration ?? TaskCalibration.Settings() }
    return resolved
  }

  private func setBackbone(in recipe: inout Recipe) throws {
    guard start != nil || backbone != nil else { return }
    guard var method = recipe.method as? FineTune else {
      throw ValidationError("--init and --backbone are for --method finetune, not for \(recipe.methodName).")
    }
    let wanted = try backbone.map { name -> Backbone in
      guard let found = Backbone.named(name) else { throw ValidationError(Backbone.unknown(name)) }
      return found
    }
    if let wanted { method.backbone.name = wanted }
    if let start {
      if let run = PretrainedRunName(start) {
        try method.start(from: run, backbone: wanted)
      } else {
        method.backbone.weights = InitialWeights(named: start)
      }
    }
    if let fault = method.fault { throw MethodError("\(FineTune.name): \(fault)") }
    recipe.method = method
  }
}
