import ArgumentParser
import Encoders
import Foundation
import LabelStore
import Logging
import MemeData
import Methods
import Server
import Training

/// `memesense label STORE`: the pages.
struct LabelOpen: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "open", abstract: "Open a store's pages in the browser.",
    discussion: """
        memesense label labels.sqlite --data memes/ --task harmful
        memesense label labels.sqlite --data memes/ --question "tone:multiclass=calm,angry"

      People open http://127.0.0.1:8081, say who they are and label with the keyboard: a number chooses, s leaves open,
      u undoes, n goes to the note. What was saved survives a crash of the program and of the machine. The dataset's
      own labels count, unless --relabel asks for all memes anew, which the store remembers.

      Only this machine is answered. Whoever reaches the port can label under any name, so --host needs --api-keys (one
      key a line, made with: openssl rand -hex 32): browsers ask for it as a password. Put a proxy with TLS in front.
      """)

  @OptionGroup var store: StoreArgument

  @Option(help: "A dataset whose memes are taken up; may be given again when it has grown.", completion: .directory)
  var data: [String] = []

  @Flag(help: "Leave the dataset's own labels out, so that every meme is labelled anew.")
  var relabel = false

  @OptionGroup var questions: QuestionOptions

  @Option(help: "The task that the pages begin with; the first by default.")
  var task: String?

  @Option(help: ArgumentHelp("How many people are to decide on each meme.", valueName: "n"))
  var overlap = 1

  @Option(
    name: .customLong("run"), help: "A finished run that answers for its tasks until the page trains another one.",
    completion: .directory)
  var runFolder: String?

  @Option(help: "What the page trains: a recipe's file or name, or a method's name.")
  var recipe = "logistic-regression"

  @Option(
    help: """
      The frozen encoders of what is trained, the recipe's own unless given; 'memesense encoders list --help' explains \
      their names.
      """)
  var encoder: String?

  @Option(help: "The address to listen on.")
  var host = ServerSettings().host

  @Option(help: "The port to listen on; 0 for one that is free.")
  var port = 8081

  @Option(help: "A file of keys, one a line, that browsers must show as passwords.", completion: .file())
  var apiKeys: String?

  @Flag(name: .shortAndLong, help: "Log warnings and errors alone.")
  var quiet = false

  func validate() throws {
    guard (0...65535).contains(port) else { throw ValidationError("--port is 0 to 65535, not \(port).") }
    guard (1...1000).contains(overlap) else { throw ValidationError("--overlap is 1 to 1000, not \(overlap).") }
    guard !relabel || !data.isEmpty else {
      throw ValidationError("--relabel leaves a dataset's own labels out: give --data PATH too.")
    }
  }

  func run() throws {
    var settings = ServerSettings()
    settings.host = host
    settings.port = port
    settings.keys = try apiKeys.map { try APIKeys(String(contentsOfFile: $0, encoding: .utf8), source: $0) }
    guard settings.isLocal || settings.keys != nil else {
      throw ValidationError("--host \(host) lets others in: give --api-keys too.")
    }
    // An explanation asks the model some sixty times.
    settings.deadline = .seconds(60)
    let trained = try trainedRecipe()
    settings.connectionLimit = FileLimit.raise(for: settings.connectionLimit)
    try data.forEach(StoreArgument.requireSource)
    let store = try store.open(creates: true)
    try fill(store)
    let logger = Logger(label: "memesense") { [quiet] _ in
      JSONLogHandler(level: quiet ? .warning : .info) { Console.tell(String(decoding: $0, as: UTF8.self)) }
    }
    let server = try LabelServer(
      store: store, firstTask: task, overlap: overlap, run: runFolder.map { URL(fileURLWithPath: $0) }, recipe: trained,
      settings: settings, logger: logger
    ) { [host] port in
      logger.info("listening", metadata: ["url": "http://\(host):\(port)"])
    }
    ServerProcess.run {
      try await server.runUntilSignalled()
    } thenFinish: {
      // All is on the disk either way; closed, it is in the one file. A training that reads may keep it open, and what it leaves
      // behind is removed when the store is opened next.
      do { try store.close() } catch {
        logger.info("the journal stays beside the store", metadata: ["reason": "\(error)"])
      }
    }
  }

  /// Takes up data and questions, after which there is something to ask; what is missing is told before.
  private func fill(_ store: LabelStore) throws {
    let observer: any ProgressObserver = quiet ? WarningObserver() : ProgressDisplay()
    let asked = try questions.tasks
    let datasets = try data.map { try Dataset.read(from: $0, observer: observer) }
    let tasks = try store.tasks() + datasets.flatMap(\.tasks) + asked
    guard try !datasets.isEmpty || store.memeCount() > 0 else {
      throw ValidationError("The store has no memes: give --data PATH.")
    }
    guard !tasks.isEmpty else {
      throw ValidationError("There is nothing to ask: give a task, as --question \"harm:binary=harmful\".")
    }
    if let task, !tasks.contains(where: { $0.name == task }) {
      throw LabelStoreError.unknown(what: "task", name: task)
    }
    for (index, dataset) in datasets.enumerated() {
      // The questions come with the last dataset, so that they stand behind all tasks of the data.
      let isLast = index == datasets.count - 1
      do {
        let addition = try store.add(
          dataset, takesLabels: !relabel, tasks: isLast ? asked : [], observer: observer)
        if !quiet { Console.error(addition.text) }
      } catch LabelStoreError.alreadyTaken {
        throw ValidationError(
          "--relabel comes too late for \(data[index]): the store holds its labels already; use another store.")
      }
    }
    if datasets.isEmpty { try store.add(asked) }
  }

  private func trainedRecipe() throws -> Recipe {
    let isMethod = MethodCatalog.method(named: recipe) != nil
    let name = isMethod ? try RecipeLibrary.defaultName(method: recipe, encoder: encoder ?? "lite") : recipe
    var resolved = try Recipe(yaml: RecipeLibrary.text(of: name), source: name)
    resolved.encoder = EncoderCatalog.absoluteName(encoder ?? resolved.encoder)
    guard resolved.method.request.readsFeatures else {
      throw ValidationError("--recipe \(recipe) trains a whole network; the page trains heads on encoders' features.")
    }
    return resolved
  }
}
