import ArgumentParser
import Checkpoints
import Foundation
import LabelStore
import MemeData
import Training

/// `memesense label`: memes are labelled on a page, and labels come and go.
struct LabelCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "label",
    abstract: "Label memes in the browser; bring labels in and out.",
    discussion: """
        memesense label labels.sqlite --data memes/          then open http://127.0.0.1:8081

      The store is one SQLite file, made where there is none. 'memesense label export' writes its labels at any time, while
      people label too.
      """,
    subcommands: [LabelOpen.self, LabelImport.self, LabelExport.self, LabelSimulate.self],
    defaultSubcommand: LabelOpen.self)
}

/// The store that a command works on.
struct StoreArgument: ParsableArguments {
  @Argument(help: ArgumentHelp("The file of the labels.", valueName: "store"), completion: .file())
  var storePath: String

  /// Opens the store; a command that only reads refuses one that is not there.
  func open(creates: Bool) throws -> LabelStore {
    guard creates || FileManager.default.fileExists(atPath: storePath) else {
      throw LabelStoreError.notFound(file: storePath)
    }
    return try LabelStore(at: URL(filePath: storePath, directoryHint: .notDirectory))
  }

  /// Refuses what is to be taken up and is not there, before a store is made for it.
  static func requireSource(_ path: String) throws {
    guard FileManager.default.fileExists(atPath: path) else { throw DatasetError.notFound(URL(filePath: path)) }
  }
}

/// Tasks that people make up.
struct QuestionOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A task that the data does not have: NAME:binary=LABEL, NAME:multiclass=A,B,… or NAME:multilabel=A,B,…",
      valueName: "task"))
  var question: [String] = []

  var tasks: [LabelTask] {
    get throws { try question.map(Self.task) }
  }

  /// Reads a task off the command line.
  static func task(_ text: String) throws -> LabelTask {
    let fault = ValidationError(
      "--question is NAME:binary=LABEL, NAME:multiclass=A,B or NAME:multilabel=A,B, not '\(text)'.")
    guard let colon = text.firstIndex(of: ":"), let equals = text[colon...].firstIndex(of: "="),
      let kind = LabelTask.Kind(rawValue: String(text[text.index(after: colon)..<equals]))
    else { throw fault }
    let name = text[..<colon].trimmingCharacters(in: .whitespaces)
    let labels = text[text.index(after: equals)...].split(separator: ",", omittingEmptySubsequences: false)
      .map { $0.trimmingCharacters(in: .whitespaces) }
    let task = LabelTask(name: name, kind: kind, labels: labels)
    guard task.fault == nil else { throw fault }
    return task
  }
}

/// `memesense label import`.
struct LabelImport: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import", abstract: "Take labels into a store: a dataset, JSONL, CSV, or Label Studio's JSON.",
    discussion: """
      A folder is read as a dataset in any layout that MemeSense reads (Hugging Face, Hateful Memes, HarMeme, …). A file is
      JSON lines or CSV with the fields id, file_name, text, split, task, label, annotator, note, time, undone, of which
      only id is needed, or Label Studio's JSON export. All of a file is taken, or nothing; a label that its 'undone' says
      was taken back is taken back in the store too. A task that the store does not have gets the labels that the file has
      for it, unless --question says which there are.

      A dataset that was moved is imported again from its new place; memes that came without pictures get them likewise.
      Labels that 'memesense label STORE --data PATH --relabel' left out stay out.
      """)

  @OptionGroup var store: StoreArgument

  @Argument(help: "A dataset's folder, or a file of labels.", completion: .file())
  var source: String

  @OptionGroup var questions: QuestionOptions

  @Option(help: "Where pictures lie that a file of labels names; its own folder by default.", completion: .directory)
  var images: String?

  @Option(help: "Whose labels those of a file are that name nobody; 'file' by default.")
  var annotator: String?

  func run() throws {
    try StoreArgument.requireSource(source)
    var isFolder: ObjCBool = false
    _ = FileManager.default.fileExists(atPath: source, isDirectory: &isFolder)
    guard !isFolder.boolValue || annotator == nil && images == nil else {
      throw ValidationError("--annotator and --images are of a file of labels; \(source) is a folder.")
    }
    let tasks = try questions.tasks
    let store = try store.open(creates: true)
    let observer = ProgressDisplay()
    let addition =
      try isFolder.boolValue
      ? store.add(Dataset.read(from: source, observer: observer), tasks: tasks, observer: observer)
      : addFile(to: store, tasks: tasks, observer: observer)
    try Console.print(addition.text)
  }

  private func addFile(
    to store: LabelStore, tasks: [LabelTask], observer: any ProgressObserver
  ) throws -> Addition {
    let url = URL(filePath: source)
    let addition = try store.importLabels(
      Data(contentsOf: url), named: url.lastPathComponent,
      images: images.map { URL(filePath: $0, directoryHint: .isDirectory) } ?? url.deletingLastPathComponent(),
      annotator: annotator ?? "file", tasks: tasks
    ) { done, total in
      observer.observe(.items(phase: "pictures compared", done: done, total: total))
    }
    let warnings = addition.warnings
    if !warnings.isEmpty {
      observer.observe(.warning("\(source): \(warnings.count) memes have no picture yet:\(warnings.firstFew)"))
    }
    return addition
  }
}

extension Addition {
  /// For people.
  var text: String { "\(memes) memes and \(labels) labels added, \(known) known already" }
}

extension Dataset {
  /// Reads a dataset and tells of what is wrong with its rows.
  static func read(from path: String, observer: any ProgressObserver) throws -> Dataset {
    observer.observe(.phase("Reading \(path)"))
    let dataset = try Dataset.read(URL(filePath: path))
    Corpus.warn(of: dataset.problems, observer)
    return dataset
  }
}

extension LabelStore {
  /// Hashes a dataset's pictures and takes it up, with further tasks.
  func add(
    _ dataset: Dataset, takesLabels: Bool = true, tasks: [LabelTask], observer: any ProgressObserver
  ) throws -> Addition {
    let table = try Corpus.fingerprints(of: dataset.memes, observer: observer)
    return try add(dataset, fingerprints: table.fingerprints, takesLabels: takesLabels, tasks: tasks)
  }
}

/// `memesense label export`.
struct LabelExport: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export", abstract: "Write a store's labels as JSONL, CSV, Hugging Face or Label Studio have them.",
    discussion: """
        memesense label export labels.sqlite --format csv > labels.csv
        memesense label export labels.sqlite --format hugging-face --output memes-labelled/

      jsonl and csv hold every label: who, when, notes, what was undone. hugging-face is a folder that 'memesense train --data'
      reads, with the label that most people chose; without --output only its metadata.jsonl is written. People may go on
      labelling meanwhile.
      """)

  @OptionGroup var store: StoreArgument

  @Option(help: "\(LabelFormat.allCases.map(\.rawValue).joined(separator: ", ")).")
  var format = LabelFormat.jsonl

  @Option(
    name: .shortAndLong, help: "The file to write, standard output by default; of hugging-face the folder.",
    completion: .file())
  var output: String?

  func run() throws {
    let store = try store.open(creates: false)
    if format == .huggingFace, let output {
      return try store.exportHuggingFace(to: URL(filePath: output, directoryHint: .isDirectory))
    }
    let data = try store.exported(as: format)
    guard let output else { return try Console.write(data) }
    try writeAtomically(data, to: URL(filePath: output))
  }
}

extension LabelFormat: ExpressibleByArgument {}
