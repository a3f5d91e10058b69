import Audit
import Foundation
import MemeData
import Testing

@testable import LabelStore

/// A folder that goes away with the test.
final class Folder {
  let url = FileManager.default.temporaryDirectory.appending(path: "memesense-store-\(UUID().uuidString)")
  init() throws { try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true) }
  deinit { try? FileManager.default.removeItem(at: url) }
}

/// Four memes of text alone and three tasks.
func dataset(_ root: URL) -> Dataset {
  Dataset(
    name: "small", root: root, format: .huggingFace,
    tasks: [
      LabelTask(name: "harm", kind: .binary, labels: ["harmful"]),
      LabelTask(name: "kind", kind: .multiclass, labels: ["dry", "warm", "sour"]),
      LabelTask(name: "targets", kind: .multilabel, labels: ["cats", "dogs"]),
    ],
    memes: (0..<4).map { number in
      Meme(
        id: "m\(number)", image: nil, text: "text, \"number\" \(number)",
        labels: number == 0 ? ["harm": .binary(true), "targets": .multilabel([true, false])] : [:],
        split: number == 3 ? .test : .train)
    })
}

func filledStore(in folder: Folder, named name: String = "labels.sqlite") throws -> LabelStore {
  let store = try LabelStore(at: folder.url.appending(path: name))
  let dataset = dataset(folder.url)
  try store.add(dataset, fingerprints: FingerprintTable(of: dataset.memes) { _ in }.fingerprints)
  return store
}

/// Writes a small picture of each name, all different.
func writePictures(_ names: [String], to root: URL) throws {
  for name in names {
    let file = root.appending(path: name)
    try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    let seed = name.utf8.reduce(91) { ($0 * 31 + Int($1)) % 997 }
    let pixels = (0..<48 * 48 * 3).map { UInt8(truncatingIfNeeded: $0 * $0 / (seed + 1)) }
    try RGBImage(width: 48, height: 48, pixels: pixels).pngData().write(to: file)
  }
}

@Suite struct LabelStoreTests {
  private let folder: Folder
  private let store: LabelStore

  init() throws {
    folder = try Folder()
    store = try filledStore(in: folder)
  }

  private func labels(_ task: String = "harm") throws -> [String] {
    try store.currentLabels(task: task).map { event in
      "\(event.meme) \(event.annotator) \(event.label.map { "\($0)" } ?? "none")"
    }
  }

  @Test func everyCommitIsSynchronised() throws {
    let journal = try store.journal()
    #expect(journal.mode == "wal" && journal.synchronous == 2)
  }

  @Test func aDatasetIsTakenUpOnce() throws {
    let dataset = dataset(folder.url)
    let prints = FingerprintTable(of: dataset.memes) { _ in }.fingerprints
    #expect(try store.add(dataset, fingerprints: prints) == Addition(memes: 0, labels: 0, known: 2))
    #expect(try store.memes().map(\.name) == ["m0", "m1", "m2", "m3"])
    #expect(try store.memes().map(\.fingerprint) == prints)
    #expect(try store.tasks() == dataset.tasks)
    #expect(try labels() == ["1 dataset binary(true)"])
    #expect(try labels("targets") == ["1 dataset multilabel([true, false])"])
  }

  @Test func whatContradictsTheStoreChangesNothing() throws {
    var other = dataset(folder.url)
    other.tasks[0].labels = ["hateful"]
    other.memes.append(Meme(id: "new", image: nil, text: "new"))
    #expect(
      throws: LabelStoreError.conflictingTask(name: "harm", stored: dataset(folder.url).tasks[0], found: other.tasks[0])
    ) {
      try store.add(other, fingerprints: other.memes.map { _ in nil })
    }
    other = dataset(folder.url)
    other.memes.insert(Meme(id: "new", image: nil, text: "new"), at: 0)
    other.memes[2].text = "another"
    let prints = FingerprintTable(of: other.memes) { _ in }.fingerprints
    #expect(throws: LabelStoreError.conflictingMeme(id: "m1", source: folder.url.path)) {
      try store.add(other, fingerprints: prints)
    }
    #expect(try store.memeCount() == 4)
  }

  /// Takes up a dataset with what its memes are found by.
  private func add(
    _ dataset: Dataset, to store: LabelStore, takesLabels: Bool = true, tasks: [LabelTask] = []
  ) throws -> Addition {
    let prints = FingerprintTable(of: dataset.memes) { _ in }.fingerprints
    return try store.add(dataset, fingerprints: prints, takesLabels: takesLabels, tasks: tasks)
  }

  @Test func labelsThatWereLeftOutStayOut() throws {
    let store = try LabelStore(at: folder.url.appending(path: "anew.sqlite"))
    let old = dataset(folder.url.appending(path: "old"))
    #expect(try add(old, to: store, takesLabels: false) == Addition(memes: 4))
    #expect(try add(old, to: store) == Addition(), "added again")
    var moved = dataset(folder.url.appending(path: "new"))
    moved.memes.insert(Meme(id: "grown", image: nil, text: "grown", labels: ["harm": .binary(true)]), at: 0)
    #expect(try add(moved, to: store) == Addition(memes: 1), "moved")
    #expect(try add(moved, to: store) == Addition(), "added again from its new place")
    #expect(try store.currentLabels(task: "harm").isEmpty && store.currentLabels(task: "targets").isEmpty)
  }

  @Test func labelsMayBeLeftOutUntilTheyAreThere() throws {
    let store = try LabelStore(at: folder.url.appending(path: "anew.sqlite"))
    let whole = dataset(folder.url)
    var bare = whole
    bare.memes[0].labels = [:]
    #expect(try add(bare, to: store) == Addition(memes: 4))
    #expect(try add(whole, to: store, takesLabels: false) == Addition())
    #expect(try add(whole, to: store) == Addition())
    // Those of the other store are there, wherever the dataset is by now.
    for root in [folder.url, folder.url.appending(path: "new")] {
      #expect(throws: LabelStoreError.alreadyTaken(source: root.path)) {
        try add(dataset(root), to: self.store, takesLabels: false)
      }
    }
    #expect(try add(whole, to: self.store) == Addition(known: 2), "the refusal is not remembered")
  }

  @Test func tasksComeWithTheirDatasetOrNotAtAll() throws {
    let tone = LabelTask(name: "tone", kind: .multiclass, labels: ["calm", "angry"])
    var other = dataset(folder.url)
    other.memes[1].text = "another"
    #expect(throws: LabelStoreError.conflictingMeme(id: "m1", source: folder.url.path)) {
      try add(other, to: store, tasks: [tone])
    }
    #expect(throws: LabelStoreError.self) {
      try store.add([tone, LabelTask(name: "harm", kind: .binary, labels: ["hateful"])])
    }
    #expect(try store.tasks() == other.tasks)
    let fresh = try LabelStore(at: folder.url.appending(path: "fresh.sqlite"))
    #expect(try add(other, to: fresh, tasks: [tone]).memes == 4)
    #expect(try fresh.tasks() == other.tasks + [tone])
  }

  /// Takes up a dataset of these memes and no tasks.
  private func add(_ memes: [Meme], in root: URL) throws -> Addition {
    let dataset = Dataset(name: "pictures", root: root, format: .huggingFace, tasks: [], memes: memes)
    return try store.add(dataset, fingerprints: FingerprintTable(of: memes) { _ in }.fingerprints)
  }

  @Test func aMovedDatasetIsFoundAtItsNewPlace() throws {
    func memes(in root: URL) -> [Meme] {
      ["a.png", "img/b.png", "broken.png"].map { Meme(id: $0, image: root.appending(path: $0), text: "words") }
    }
    let (old, new) = (folder.url.appending(path: "old"), folder.url.appending(path: "new"))
    try writePictures(["a.png", "img/b.png"], to: old)
    try Data("no picture".utf8).write(to: old.appending(path: "broken.png"))
    #expect(try add(memes(in: old), in: old).memes == 3)
    try FileManager.default.moveItem(at: old, to: new)
    let before = try store.memes().suffix(3)
    #expect(try add(memes(in: new), in: new).memes == 0)
    let after = try store.memes().suffix(3)
    #expect(after.map(\.image?.path) == memes(in: new).map(\.image?.path))
    #expect(after.map(\.fileName) == ["a.png", "img/b.png", "broken.png"])
    #expect(after.map(\.id) == before.map(\.id) && after.map(\.fingerprint) == before.map(\.fingerprint))
    // One picture is lost on the way: what is known of it stays, and the rest is moved.
    let third = folder.url.appending(path: "third")
    try FileManager.default.copyItem(at: new, to: third)
    var some = memes(in: third)
    some[0].image = nil
    #expect(try add(some, in: third).memes == 0)
    let last = try store.memes().suffix(3)
    #expect(last.map(\.image?.path) == [after.first?.image?.path] + some.dropFirst().map(\.image?.path))
    #expect(last.map(\.fingerprint) == before.map(\.fingerprint))
    try writePictures(["other.png"], to: new)
    let other = Meme(id: "a.png", image: new.appending(path: "other.png"), text: "words")
    #expect(throws: LabelStoreError.conflictingMeme(id: "a.png", source: new.path)) { try add([other], in: new) }
  }

  @Test func aMemeOfTextAloneGetsItsPictureLater() throws {
    let root = folder.url.appending(path: "pictures")
    try writePictures(["a.png"], to: root)
    #expect(try add([Meme(id: "a", image: nil, text: "words")], in: root).memes == 1)
    let image = root.appending(path: "a.png")
    #expect(throws: LabelStoreError.conflictingMeme(id: "a", source: root.path), "the words are others") {
      try add([Meme(id: "a", image: image, text: "other words")], in: root)
    }
    let whole = Meme(id: "a", image: image, text: "words")
    #expect(try add([whole], in: root).memes == 0)
    let meme = try #require(try store.memes().last)
    #expect(meme.fileName == "a.png" && meme.fingerprint == FingerprintTable(of: [whole]) { _ in }.fingerprints[0])
  }

  @Test func tasksThatCannotBeAreRefused() throws {
    for (task, reason) in [
      (LabelTask(name: "", kind: .binary, labels: ["a"]), "has no name"),
      (LabelTask(name: "x", kind: .multiclass, labels: ["a"]), "at least two"),
      (LabelTask(name: "x", kind: .multilabel, labels: ["a", ""]), "must be there"),
      (LabelTask(name: "split", kind: .binary, labels: ["a"]), "cannot be named 'split'"),
      (LabelTask(name: "text", kind: .binary, labels: ["a"]), "cannot be named 'text'"),
      (LabelTask(name: "id", kind: .binary, labels: ["a"]), "cannot be named 'id'"),
      (LabelTask(name: "file_name", kind: .binary, labels: ["a"]), "cannot be named 'file_name'"),
    ] {
      let error = #expect(throws: LabelStoreError.self, "\(task)") { try store.add(task) }
      #expect(error.map { "\($0)".contains(reason) } == true, "\(task)")
    }
    #expect(try store.tasks().count == 3)
  }

  @Test func tasksWhoseNamesAreEqualAsStringsAreOne() throws {
    let composed = LabelTask(name: "caf\u{E9}", kind: .binary, labels: ["x"])
    let decomposed = LabelTask(name: "cafe\u{301}", kind: .binary, labels: ["x"])
    try store.add(composed)
    try store.add(decomposed)
    #expect(try store.tasks().count == 4)
    let other = LabelTask(name: decomposed.name, kind: .multiclass, labels: ["x", "y"])
    #expect(throws: LabelStoreError.conflictingTask(name: other.name, stored: composed, found: other)) {
      try store.add(other)
    }
  }

  @Test func aClosedStoreIsInOneFile() throws {
    try store.record(.binary(true), of: 2, task: "harm", by: "Ada")
    let said = try labels()
    try store.close()
    // As somebody does who takes the file along and knows of no other.
    let copy = folder.url.appending(path: "copy.sqlite")
    try FileManager.default.copyItem(at: store.file, to: copy)
    let other = try LabelStore(at: copy)
    #expect(try other.currentLabels(task: "harm").count == said.count && other.memeCount() == 4)
  }

  @Test func theLastWordCountsAndTheHistoryStays() throws {
    try store.record(.binary(true), of: 2, task: "harm", by: "Ada", note: "at first")
    try store.record(.binary(false), of: 2, task: "harm", by: " Ada ", note: " ")
    try store.record(nil, of: 2, task: "harm", by: "Bo")
    #expect(try labels() == ["1 dataset binary(true)", "2 Ada binary(false)", "2 Bo none"])
    let history = try store.history(of: 2, task: "harm")
    #expect(history.map(\.note) == ["at first", nil, nil])
    #expect(history.map(\.annotator) == ["Ada", "Ada", "Bo"])
    #expect(
      try LabelProgress(memes: store.memeCount(), events: store.currentLabels(task: "harm"))
        == LabelProgress(
          memes: 4, labelled: 2, annotators: [("Ada", 1, 0), ("dataset", 1, 0), ("Bo", 0, 1)]))
  }

  @Test func undoTakesBackOnesOwnLastWord() throws {
    try store.record(.binary(true), of: 2, task: "harm", by: "Ada")
    try store.record(.binary(false), of: 2, task: "harm", by: "Ada")
    try store.record(.binary(false), of: 3, task: "harm", by: "Bo")
    #expect(try store.undo(task: "harm", by: "Ada")?.label == .binary(false))
    #expect(try labels() == ["1 dataset binary(true)", "2 Ada binary(true)", "3 Bo binary(false)"])
    #expect(try store.undo(task: "harm", by: "Ada")?.label == .binary(true))
    #expect(try store.undo(task: "harm", by: "Ada") == nil)
    #expect(try store.undo(task: "harm", by: "dataset") == nil, "a dataset's labels are not made on the page")
    #expect(try labels() == ["1 dataset binary(true)", "3 Bo binary(false)"])
    #expect(try store.history(of: 2, task: "harm").allSatisfy { $0.undone != nil })
  }

  @Test func aClockThatIsPutBackKeepsTheOrder() throws {
    let now = Date()
    try store.record(.binary(true), of: 2, task: "harm", by: "Ada", at: now)
    try store.record(.binary(false), of: 2, task: "harm", by: "Ada", at: now - 3600)
    #expect(try labels().last == "2 Ada binary(false)")
  }

  @Test func whatDoesNotFitIsRefused() throws {
    #expect(throws: LabelStoreError.self) { try store.record(.multiclass(0), of: 2, task: "harm", by: "Ada") }
    #expect(throws: LabelStoreError.self) { try store.record(.multiclass(3), of: 2, task: "kind", by: "Ada") }
    #expect(throws: LabelStoreError.unknown(what: "task", name: "x")) {
      try store.record(.binary(true), of: 2, task: "x", by: "Ada")
    }
    #expect(throws: LabelStoreError.unknown(what: "meme", name: "9")) {
      try store.record(.binary(true), of: 9, task: "harm", by: "Ada")
    }
    for name in ["", " \n", "a\nb", String(repeating: "a", count: 61)] {
      #expect(throws: LabelStoreError.self) { try store.record(.binary(true), of: 2, task: "harm", by: name) }
    }
    #expect(try labels() == ["1 dataset binary(true)"])
  }

  @Test func mostPeopleDecide() throws {
    try store.record(.binary(false), of: 1, task: "harm", by: "Ada")
    #expect(try store.consensus(task: "harm")[1] == nil)
    try store.record(.binary(false), of: 1, task: "harm", by: "Bo")
    try store.record(nil, of: 1, task: "harm", by: "Cy")
    #expect(try store.consensus(task: "harm") == [1: .binary(false)])
  }

  @Test func theQueueLeavesOutWhatIsDone() throws {
    try store.setQueue([3, 1, 4, 2].map { QueueEntry(meme: $0, reason: "r\($0)") }, task: "harm")
    func next(_ name: String, overlap: Int = 1, without: Set<Int64> = []) throws -> [Int64] {
      try store.nextMemes(task: "harm", for: name, overlap: overlap, leavingOut: without, limit: 9).map(\.meme.id)
    }
    #expect(try next("Ada") == [3, 4, 2], "the dataset has labelled 1")
    #expect(try next("Ada", overlap: 2) == [3, 1, 4, 2])
    try store.record(.binary(true), of: 3, task: "harm", by: "Ada")
    try store.record(nil, of: 4, task: "harm", by: "Ada")
    #expect(try next("Ada", overlap: 2) == [1, 2])
    #expect(try next("Bo") == [4, 2], "nobody has decided on 4")
    #expect(try next("Bo", overlap: 2, without: [1]) == [3, 4, 2])
    _ = try store.undo(task: "harm", by: "Ada")
    #expect(try next("Ada", overlap: 2) == [1, 4, 2])
    #expect(try store.nextMemes(task: "harm", for: "Bo", overlap: 1, limit: 1).map(\.reason) == ["r4"])
    try store.setQueue([QueueEntry(meme: 4, reason: "")], task: "harm")
    try store.appendToQueue([2, 4, 3].map { QueueEntry(meme: $0, reason: "") }, task: "harm")
    #expect(try next("Cy") == [4, 2] && store.queuedMemes(task: "harm") == [2, 3, 4], "Ada has decided on 3")
  }

  @Test func aDecisionThatIsLeftOpenLaterCountsNoMore() throws {
    try store.setQueue([2, 3].map { QueueEntry(meme: $0, reason: "") }, task: "harm")
    func next(_ name: String, overlap: Int = 1) throws -> [Int64] {
      try store.nextMemes(task: "harm", for: name, overlap: overlap, limit: 9).map(\.meme.id)
    }
    // All at one time, so that the order of what was said tells alone.
    let now = Date()
    try store.record(.binary(true), of: 2, task: "harm", by: "Ada", at: now)
    #expect(try next("Bo") == [3] && store.labelledCount(task: "harm") == 2)
    try store.record(nil, of: 2, task: "harm", by: "Ada", at: now)
    #expect(try next("Bo") == [2, 3] && next("Ada") == [3] && store.labelledCount(task: "harm") == 1)
    _ = try store.undo(task: "harm", by: "Ada")
    #expect(try next("Bo") == [3] && store.labelledCount(task: "harm") == 2, "the decision counts again")
    try store.record(nil, of: 3, task: "harm", by: "Cy", at: now)
    try store.record(.binary(true), of: 3, task: "harm", by: "Cy", at: now)
    try store.record(.binary(false), of: 3, task: "harm", by: "Cy", at: now)
    #expect(try next("Bo") == [] && next("Bo", overlap: 2) == [2, 3], "one person decides once")
  }

  @Test func runsAndPredictionsAreKept() throws {
    let run = StoredRun(
      task: "harm", folder: folder.url.appending(path: "run-1"), labels: 7, metric: "auroc", scoreBefore: nil,
      scoreAfter: 0.75, scoredMemes: 3, time: Date(timeIntervalSince1970: 1000))
    let stored = try store.add(run, predictions: [1: ["harmful": 0.25], 3: ["harmful": 1]])
    #expect(try store.runs(task: "harm") == [stored])
    #expect(try store.predictions(of: stored.id) == [1: ["harmful": 0.25], 3: ["harmful": 1]])
    #expect(throws: LabelStoreError.self, "the second prediction is of no meme") {
      var other = run
      other.folder = folder.url.appending(path: "run-2")
      try store.add(other, predictions: [1: ["harmful": 0], 99: ["harmful": 0]])
    }
    #expect(try store.runs(task: "harm").count == 1)
  }

  @Test func whatTheLatestModelSaysTakesThePlaceOfTheEarlier() throws {
    func add(_ task: String, _ name: String, _ probability: Double) throws -> Int64 {
      let run = StoredRun(
        task: task, folder: folder.url.appending(path: name), labels: 1, metric: nil, scoreBefore: nil, scoreAfter: nil,
        scoredMemes: 0)
      return try store.add(run, predictions: [1: ["dry": probability]]).id
    }
    let first = try add("harm", "run-1", 0.25)
    let other = try add("kind", "run-2", 0.5)
    let second = try add("harm", "run-3", 0.75)
    #expect(try store.predictions(of: first).isEmpty)
    #expect(try store.predictions(of: second) == [1: ["dry": 0.75]])
    #expect(try store.predictions(of: other) == [1: ["dry": 0.5]], "it is of another task")
    #expect(try store.runs(task: "harm").count == 2)
  }

  @Test func aStoreIsOpenedAgainAndOtherFilesAreNot() throws {
    try store.record(.binary(true), of: 2, task: "harm", by: "Ada")
    try store.close()
    let again = try LabelStore(at: folder.url.appending(path: "labels.sqlite"))
    #expect(try again.consensus(task: "harm")[2] == .binary(true))
    let text = folder.url.appending(path: "notes.txt")
    try Data(String(repeating: "no database ", count: 1000).utf8).write(to: text)
    #expect(throws: LabelStoreError.self) { try LabelStore(at: text) }
    #expect(throws: LabelStoreError.self) { try LabelStore(at: folder.url.appending(path: "no/such/folder.sqlite")) }
  }

  @Test func aStoreOfALaterProgramIsRefused() throws {
    let file = folder.url.appending(path: "labels.sqlite")
    try store.write { try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('9999')") }
    #expect(throws: LabelStoreError.newer(file: file.path)) { try LabelStore(at: file) }
  }
}
