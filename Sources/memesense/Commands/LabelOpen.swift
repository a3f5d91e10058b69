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
      own labels count, unless --relabel asks for all memes anew.

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
    let outcome = Result { try waitFor { try await server.runUntilSignalled() } }
    guard server.mayBeComputing else { return try outcome.get() }
    // All is on the disk either way; closed, it is in the one file. A training that reads may keep it open.
    do { try store.close() } catch {
      logger.info("the journal stays beside the store", metadata: ["reason": "\(error)"])
    }
    Self.endAtOnce(after: outcome)
  }

  /// Takes up data and questions, after which there is something to ask.
  private func fill(_ store: LabelStore) throws {
    let observer: any ProgressObserver = quiet ? WarningObserver() : ProgressDisplay()
    for path in data {
      let addition = try store.add(datasetAt: path, takesLabels: !relabel, observer: observer)
      if !quiet { Console.error(addition.text) }
    }
    try questions.add(to: store)
    let tasks = try store.tasks()
    guard try store.memeCount() > 0 else {
      throw ValidationError("The store has no memes: give --data PATH.")
    }
    guard !tasks.isEmpty else {
      throw ValidationError("There is nothing to ask: give a task, as --question \"harm:binary=harmful\".")
    }
    if let task, !tasks.contains(where: { $0.name == task }) {
      throw LabelStoreError.unknown(what: "task", name: task)
    }
  }

  /// Ends the process while a thread computes: what exit() tears down would pull the ground from under it. All labels are on
  /// the disk by now, and what a training leaves behind is removed when the store is opened next.
  private static func endAtOnce(after outcome: Result<Void, any Error>) -> Never {
    var status: Int32 = 0
    if case .failure(let error) = outcome {
      Console.error("error: \(ExitStatus.message(of: error))")
      status = ExitStatus(of: error).code
    }
    fflush(nil)
    _exit(status)
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

/// Runs asynchronous work to its end; most commands have none.
func waitFor(_ body: @escaping @Sendable () async throws -> Void) throws {
  final class Outcome: @unchecked Sendable {  // written before the semaphore is signalled, read after
    var error: (any Error)?
  }
  let outcome = Outcome()
  let done = DispatchSemaphore(value: 0)
  Task {
    do { try await body() } catch { outcome.error = error }
    done.signal()
  }
  done.wait()
  if let error = outcome.error { throw error }
}
