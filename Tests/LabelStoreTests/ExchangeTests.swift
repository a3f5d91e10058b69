import Audit
import Foundation
import MemeData
import Synchronization
import Testing

@testable import LabelStore

/// Labels leave and come back in each form; a bad file changes nothing.
@Suite struct ExchangeTests {
  private let folder: Folder
  private let store: LabelStore

  init() throws {
    folder = try Folder()
    store = try filledStore(in: folder)
    let start = Date(timeIntervalSince1970: 1_800_000_000.125)
    try store.record(.binary(true), of: 2, task: "harm", by: "Ada", note: "a \"note\",\nof two lines", at: start)
    try store.record(.binary(false), of: 2, task: "harm", by: "Bo", at: start + 1)
    try store.record(.binary(false), of: 3, task: "harm", by: "ada@example.org", at: start + 2)
    try store.record(.multiclass(2), of: 3, task: "kind", by: "Ada", at: start + 3)
    try store.record(.multilabel([true, true]), of: 4, task: "targets", by: "Ada", at: start + 4)
    try store.record(.multilabel([false, false]), of: 2, task: "targets", by: "Ada", at: start + 5)
    try store.record(nil, of: 4, task: "kind", by: "Bo", at: start + 6)
    try store.record(.multiclass(1), of: 2, task: "kind", by: "Bo", at: start + 7)
    _ = try store.undo(task: "kind", by: "Bo", at: start + 8)
  }

  /// All that was said, without what another store numbers anew.
  private func said(_ store: LabelStore) throws -> [String] {
    let names = Dictionary(uniqueKeysWithValues: try store.memes().map { ($0.id, $0.name) })
    return try store.tasks().flatMap { task in
      try names.keys.sorted().flatMap { try store.history(of: $0, task: task.name) }
    }.map { event in
      let times = [event.time, event.undone].map {
        $0.map { "\(Int(($0.timeIntervalSince1970 * 1000).rounded()))" } ?? "-"
      }
      return "\(names[event.meme]!) \(event.task) \(event.annotator) \(event.label.map { "\($0)" } ?? "none") "
        + "\(event.note ?? "") \(times)"
    }.sorted()
  }

  private func emptyStore() throws -> LabelStore {
    let store = try LabelStore(at: folder.url.appending(path: "\(UUID().uuidString).sqlite"))
    for task in try self.store.tasks() { try store.add(task) }
    return store
  }

  @Test(arguments: [LabelFormat.jsonl, .csv]) func nothingIsLost(in format: LabelFormat) throws {
    let data = try store.exported(as: format)
    let other = try emptyStore()
    let addition = try other.importLabels(data, named: format.fileName)
    #expect(addition == Addition(memes: 4, labels: 10, known: 0))
    #expect(try said(other) == said(store))
    #expect(try other.memes().map(\.text) == store.memes().map(\.text))
    #expect(try other.memes().map(\.split) == store.memes().map(\.split))
    #expect(try other.exported(as: format) == data)
    #expect(try other.importLabels(data, named: format.fileName) == Addition(memes: 0, labels: 0, known: 10))
  }

  @Test(arguments: [LabelFormat.jsonl, .csv]) func whatWasTakenBackIsTakenBackElsewhere(in format: LabelFormat) throws {
    let other = try emptyStore()
    try other.importLabels(store.exported(as: format), named: format.fileName)
    #expect(try store.undo(task: "harm", by: "Bo") != nil)
    let data = try store.exported(as: format)
    #expect(try other.importLabels(data, named: format.fileName) == Addition(labels: 1, known: 9))
    #expect(try said(other) == said(store))
    #expect(try other.importLabels(data, named: format.fileName) == Addition(known: 10))
  }

  /// The same said twice at one time and once taken back: a file cannot tell which of the two stands.
  @Test func onesOwnFileTakesNothingBack() throws {
    let now = Date()
    for _ in 0..<2 { try store.record(.binary(true), of: 4, task: "harm", by: "Cy", at: now) }
    #expect(try store.undo(task: "harm", by: "Cy") != nil)
    let before = try said(store)
    let data = try store.exported(as: .jsonl)
    #expect(try store.importLabels(data, named: "a.jsonl") == Addition(known: 12))
    #expect(try said(store) == before)
  }

  @Test func tasksComeWithTheirFileOrNotAtAll() throws {
    let row = Data(#"{"id": "m1", "task": "tone", "label": "calm"}"#.utf8)
    let wrong = LabelTask(name: "tone", kind: .multiclass, labels: ["angry", "sad"])
    #expect(throws: LabelStoreError.self) { try store.importLabels(row, named: "a.jsonl", tasks: [wrong]) }
    #expect(try store.tasks().count == 3)
    let right = LabelTask(name: "tone", kind: .multiclass, labels: ["angry", "calm"])
    #expect(try store.importLabels(row, named: "a.jsonl", tasks: [right]) == Addition(labels: 1))
    #expect(try store.tasks().last == right)
  }

  @Test func labelStudioKeepsDecisions() throws {
    let data = try store.exported(as: .labelStudio)
    let other = try emptyStore()
    #expect(try other.importLabels(data, named: "export.json") == Addition(memes: 4, labels: 8, known: 0))
    let decided = try said(store).filter { !$0.contains(" none ") && $0.hasSuffix("\"-\"]") }
    #expect(try said(other) == decided)
  }

  @Test func labelStudiosOwnFileIsRead() throws {
    let file = """
      [{"id": 7, "data": {"image": "/data/local-files/?d=m1", "id": "m1"}, "total_annotations": 1, "annotations": [
        {"id": 3, "completed_by": {"id": 1, "email": "cy@example.org", "first_name": "", "last_name": ""},
         "was_cancelled": false, "created_at": "2027-01-02T03:04:05.678901Z", "lead_time": 4.5,
         "result": [
          {"id": "x", "from_name": "harm", "to_name": "image", "type": "choices", "origin": "manual",
           "value": {"choices": ["harmful"]}},
          {"from_name": "remark", "to_name": "image", "type": "textarea", "value": {"text": ["one", "two"]}}]},
        {"id": 4, "completed_by": 2, "was_cancelled": true, "result": []}]}]
      """
    #expect(try store.importLabels(Data(file.utf8), named: "x.json") == Addition(memes: 0, labels: 1, known: 0))
    let last = try #require(try store.history(of: 2, task: "harm").last)
    #expect(last.annotator == "cy@example.org" && last.note == "one\ntwo" && last.label == .binary(true))
    #expect(last.time.timeIntervalSince1970.rounded(.down) == 1_798_859_045)
  }

  /// Other people's memes have numbers, and annotations of other kinds beside choices.
  @Test func labelStudiosOtherResultsAreLeftOut() throws {
    let file = """
      [{"data": {"id": 12, "text": "some words"}, "annotations": [{"completed_by": 4, "result": [
        {"id": "a", "from_name": "spans", "to_name": "text", "type": "labels",
         "value": {"start": 0, "end": 4, "text": "some", "labels": ["X"]}},
        {"from_name": "stars", "to_name": "text", "type": "rating", "value": {"rating": 3}},
        {"from_id": "a", "to_id": "b", "type": "relation", "direction": "right"},
        {"from_name": "targets", "to_name": "text", "type": "choices",
         "value": {"start": 0, "end": 4, "text": "some", "choices": ["cats"]}},
        {"from_name": "harm", "to_name": "text", "type": "choices", "value": {"choices": ["harmful"]}}]}]}]
      """
    #expect(try store.importLabels(Data(file.utf8), named: "x.json") == Addition(memes: 1, labels: 2, known: 0))
    let meme = try #require(try store.memes().last)
    #expect(meme.name == "12" && meme.text == "some words")
    #expect(try store.history(of: meme.id, task: "harm").map(\.label) == [.binary(true)])
    #expect(try store.history(of: meme.id, task: "targets").map(\.annotator) == ["Label Studio 4"])
  }

  @Test func aHuggingFaceFolderIsADataset() throws {
    let target = folder.url.appending(path: "exported")
    try store.exportHuggingFace(to: target)
    let read = try Dataset.read(target, strict: true)
    #expect(read.tasks == (try store.tasks()))
    #expect(read.memes.map(\.id) == ["m0", "m1", "m2", "m3"])
    #expect(read.memes[0].labels == ["harm": .binary(true), "targets": .multilabel([true, false])])
    #expect(read.memes[1].labels == ["targets": .multilabel([false, false])], "two people disagree on harm")
    #expect(read.memes[2].labels == ["harm": .binary(false), "kind": .multiclass(2)])
    #expect(
      try String(contentsOf: target.appending(path: "metadata.jsonl"), encoding: .utf8)
        == String(decoding: store.exported(as: .huggingFace), as: UTF8.self))
    #expect(throws: LabelStoreError.self, "the folder is not empty") { try store.exportHuggingFace(to: target) }
  }

  /// Takes up a dataset of these memes and no tasks.
  private func add(_ memes: [Meme], in root: URL) throws {
    let dataset = Dataset(name: "pictures", root: root, format: .huggingFace, tasks: [], memes: memes)
    try store.add(dataset, fingerprints: FingerprintTable(of: memes) { _ in }.fingerprints)
  }

  /// Two memes of one picture, and one whose picture is a link that leads to the picture from its own folder alone.
  @Test func picturesAreWrittenOnceAndWhole() throws {
    let root = folder.url.appending(path: "data")
    try writePictures(["a.png", "elsewhere/b.png"], to: root)
    try FileManager.default.createDirectory(at: root.appending(path: "img"), withIntermediateDirectories: true)
    try FileManager.default.createSymbolicLink(
      atPath: root.appending(path: "img/link.png").path, withDestinationPath: "../elsewhere/b.png")
    let names = ["a.png", "a.png", "img/link.png"]
    try add(names.enumerated().map { Meme(id: "p\($0)", image: root.appending(path: $1), text: nil) }, in: root)
    try store.record(.binary(true), of: 6, task: "harm", by: "Ada")
    let target = folder.url.appending(path: "deep/exported")
    try store.exportHuggingFace(to: target)
    let memes = try Dataset.read(target, strict: true).memes.suffix(3)
    #expect(memes.map(\.id) == ["p0", "p1", "p2"])
    #expect(memes.map { $0.labels["harm"] } == [nil, .binary(true), nil])
    for (meme, name) in zip(memes, ["a.png", "a.png", "elsewhere/b.png"]) {
      let image = try #require(meme.image)
      #expect(try Data(contentsOf: image) == Data(contentsOf: root.appending(path: name)), "\(meme.id)")
    }
  }

  @Test func picturesThatAreGoneStopTheExport() throws {
    let root = folder.url.appending(path: "data")
    let names = (0..<5).map { "\($0).png" }
    try writePictures(names, to: root)
    try add(names.map { Meme(id: $0, image: root.appending(path: $0), text: nil) }, in: root)
    for name in names.dropLast() { try FileManager.default.removeItem(at: root.appending(path: name)) }
    let target = folder.url.appending(path: "exported")
    let error = #expect(throws: LabelStoreError.self) { try store.exportHuggingFace(to: target) }
    let told = error.map { "\($0)" } ?? ""
    #expect(told.contains("4 pictures are not where") && told.contains("/2.png and 1 more"), "\(told)")
    #expect(told.contains("memesense label import STORE DATASET"), "\(told)")
    #expect(!FileManager.default.fileExists(atPath: target.path))
    #expect(try !store.exported(as: .huggingFace).isEmpty, "the rows alone need no picture")
  }

  /// The database tells names apart by their bytes, strings do not.
  @Test func namesThatAreEqualAsStringsAreWritten() throws {
    let rows = #"""
      {"id": "caf\u00e9.jpg", "text": "one"}
      {"id": "cafe\u0301.jpg", "text": "two"}
      """#
    #expect(try store.importLabels(Data(rows.utf8), named: "rows.jsonl").memes == 2)
    for format in LabelFormat.allCases { #expect(try !store.exported(as: format).isEmpty) }
    let target = folder.url.appending(path: "exported")
    try store.exportHuggingFace(to: target)
    let lines = try String(contentsOf: target.appending(path: "metadata.jsonl"), encoding: .utf8).split(separator: "\n")
    #expect(lines.count == 6 && lines.suffix(2).map { $0.contains("two") } == [false, true])
    // Two tasks, as an earlier program let in: the labels of the second do not fit the first.
    try store.write { database in
      try database.execute(
        sql: "INSERT INTO task (name, kind, labels) VALUES ('caf\u{E9}', 'multiclass', '[\"a\",\"b\"]')")
      try database.execute(
        sql: "INSERT INTO task (name, kind, labels) VALUES ('cafe\u{301}', 'multiclass', '[\"c\",\"d\",\"e\"]')")
    }
    try store.record(.multiclass(0), of: 2, task: "caf\u{E9}", by: "Ada")
    try store.record(.multiclass(2), of: 2, task: "cafe\u{301}", by: "Ada")
    for (format, labels) in [
      (LabelFormat.jsonl, ["\"label\":\"a\"", "\"label\":\"e\""]),
      (LabelFormat.csv, [",a,Ada,", ",e,Ada,"]),
      (LabelFormat.labelStudio, ["\"a\"", "\"e\""]),
    ] {
      let text = String(decoding: try store.exported(as: format), as: UTF8.self)
      #expect(labels.allSatisfy { text.contains($0) }, "\(format)")
    }
    #expect(throws: LabelStoreError.self) { try store.exported(as: .huggingFace) }
  }

  @Test func aTaskThatNoFileCanNameIsTold() throws {
    try store.write { database in
      try database.execute(sql: "INSERT INTO task (name, kind, labels) VALUES ('split', 'binary', '[\"yes\"]')")
    }
    let error = #expect(throws: LabelStoreError.self) { try store.exported(as: .huggingFace) }
    let told = error.map { "\($0)" } ?? ""
    #expect(told.contains("cannot be named 'split'") && !told.contains("expected a store"), "\(told)")
    let root = folder.url.appending(path: "data")
    try writePictures(["a.png"], to: root)
    try add([Meme(id: "p", image: root.appending(path: "a.png"), text: nil)], in: root)
    let target = folder.url.appending(path: "exported")
    #expect(throws: DatasetWriteError.taskName("split")) { try store.exportHuggingFace(to: target) }
    #expect(!FileManager.default.fileExists(atPath: target.path), "no picture is linked before")
  }

  /// Others label while pictures are read, and bring one of the memes themselves.
  @Test func picturesAreReadBeforeTheStoreIsLocked() throws {
    let root = folder.url.appending(path: "pictures")
    try writePictures(["a.png", "b.png"], to: root)
    let rows = #"""
      {"id": "p", "file_name": "a.png", "text": "one"}
      {"id": "q", "file_name": "b.png", "text": "two"}
      """#
    let other = try LabelStore(at: store.file)
    let failures = Mutex<[String]>([])
    let addition = try store.importLabels(Data(rows.utf8), named: "rows.jsonl", images: root) { done, total in
      do {
        try other.record(.binary(true), of: 2, task: "harm", by: "Cy", note: "\(done) of \(total)")
        if done == 1 { try other.importLabels(Data(#"{"id": "p", "text": "one"}"#.utf8), named: "other.jsonl") }
      } catch {
        failures.withLock { $0.append("\(error)") }
      }
    }
    let told = failures.withLock { $0 }
    #expect(told == [])
    #expect(addition == Addition(memes: 1, labels: 0, known: 1))
    #expect(try store.history(of: 2, task: "harm").suffix(2).map(\.note) == ["1 of 2", "2 of 2"])
    let memes = try store.memes().suffix(2)
    #expect(memes.map(\.name) == ["p", "q"] && memes.map(\.fileName) == ["a.png", "b.png"])
    let whole = memes.map { Meme(id: $0.name, image: $0.image, text: $0.text) }
    #expect(memes.map(\.fingerprint) == FingerprintTable(of: whole) { _ in }.fingerprints)
  }

  @Test func aMissingPictureIsToldAndMayComeLater() throws {
    let root = folder.url.appending(path: "pictures")
    try writePictures(["a.png"], to: root)
    let rows = #"""
      {"id": "p", "file_name": "b.png", "text": "one", "task": "harm", "label": true, "annotator": "Ada"}
      {"id": "p", "file_name": "b.png", "text": "one", "task": "harm", "label": false, "annotator": "Bo"}
      {"id": "q", "file_name": "a.png", "text": "two"}
      """#
    let first = try store.importLabels(Data(rows.utf8), named: "rows.jsonl", images: root)
    #expect(first.memes == 2 && first.labels == 2 && first.warnings.count == 1)
    let warning = try #require(first.warnings.first)
    #expect(
      warning.hasPrefix("line 1: there is no picture 'b.png' in ")
        && warning.hasSuffix("; the meme 'p' is kept with its text alone"), "\(warning)")
    #expect(try store.memes().suffix(2).map(\.fileName) == [nil, "a.png"])
    let again = try store.importLabels(Data(rows.utf8), named: "rows.jsonl", images: root)
    #expect(again == Addition(known: 3, warnings: first.warnings))
    try writePictures(["b.png"], to: root)
    let other = #"{"id": "p", "file_name": "b.png", "text": "another"}"#
    let error = try #require(throws: LabelStoreError.self) {
      try store.importLabels(Data(other.utf8), named: "rows.jsonl", images: root)
    }
    #expect("\(error)".contains("another text for the meme 'p'"))
    let second = try store.importLabels(Data(rows.utf8), named: "rows.jsonl", images: root)
    #expect(second == Addition(memes: 0, labels: 0, known: 3))
    let memes = try store.memes().suffix(2)
    #expect(memes.map(\.fileName) == ["b.png", "a.png"])
    let whole = memes.map { Meme(id: $0.name, image: $0.image, text: $0.text) }
    #expect(memes.map(\.fingerprint) == FingerprintTable(of: whole) { _ in }.fingerprints)
  }

  @Test func picturesAreFoundBelowTheirFolderAlone() throws {
    let root = folder.url.appending(path: "pictures")
    try writePictures(["img/a.png"], to: root)
    try Data("secret".utf8).write(to: folder.url.appending(path: "outside.png"))
    let rows = #"{"id": "p", "file_name": "img/a.png", "task": "harm", "label": true, "annotator": "Ada"}"#
    #expect(try store.importLabels(Data(rows.utf8), named: "rows.jsonl", images: root).memes == 1)
    let meme = try #require(try store.memes().last)
    #expect(meme.fileName == "img/a.png" && meme.fingerprint?.content != nil)
    for name in ["../outside.png", "/etc/hostname", "img/../../outside.png"] {
      let rows = #"{"id": "q", "file_name": "\#(name)"}"#
      #expect(throws: LabelStoreError.self, "\(name)") {
        try store.importLabels(Data(rows.utf8), named: "rows.jsonl", images: root)
      }
    }
  }

  @Test(arguments: [
    ("a.jsonl", "", "not one row"),
    ("a.jsonl", "{\"id\": \"m1\", \"task\": \"harm\", \"label\": true}\n{\"id\": \"m1\", \"task\"", "line 2"),
    ("a.jsonl", "{\"id\": \"m1\", \"task\": \"harm\", \"label\": true}\n{\"id\": \"nobody\"}", "no meme 'nobody'"),
    ("a.jsonl", "{\"id\": \"m1\", \"task\": \"kind\", \"label\": \"sweet\"}", "one of dry, warm, sour"),
    ("a.jsonl", "{\"id\": \"m1\", \"task\": \"harm\", \"label\": {}}", "neither"),
    ("a.jsonl", "{\"id\": \"m1\", \"label\": true}", "no 'task'"),
    ("a.jsonl", "{\"id\": \"m1\", \"lable\": true}", "no field 'lable'"),
    ("a.jsonl", "{\"id\": \"m1\", \"task\": \"harm\", \"label\": true, \"time\": \"noon\"}", "'noon'"),
    ("a.jsonl", "{\"id\": \"m1\", \"task\": \"harm\", \"label\": true, \"annotator\": \"a\\u0007\"}", "control"),
    (
      "a.jsonl",
      "{\"id\": \"m1\", \"task\": \"new\", \"label\": true}\n{\"id\": \"m2\", \"task\": \"new\", \"label\": [\"x\"]}",
      "several kinds"
    ),
    ("a.jsonl", "{\"id\": \"m1\", \"task\": \"text\", \"label\": true}", "cannot be named 'text'"),
    ("a.csv", "id,task,label\r\nm1,tone,calm\r\nm2,tone,calm", "--question \"tone:multiclass=calm,…\""),
    (
      "a.json",
      #"""
      [{"data": {"id": "m1"}, "annotations": [{"result": [
        {"from_name": "", "to_name": "x", "type": "choices", "value": {"choices": [""]}}]}]}]
      """#, "a task has no name"
    ),
    ("a.csv", "id,task,label\r\nm1,harm,true\r\nm1,harm", "2 columns"),
    ("a.csv", "id,task,label\r\nm1,harm,\"true", "never closed"),
    ("a.json", "[{\"data\": {\"id\": \"m1\"}, \"annotations\": [{\"result\": 5}]}]", "[0].annotations[0].result"),
    ("a.json", "[{\"id\": 1}]", "has no 'data'"),
    ("a.json", "[", "not JSON"),
    ("a.json", "[{\"data\": {\"image\": \"https://example.org/a.png\"}}]", "task 1"),
  ]) func aBadFileChangesNothing(_ name: String, _ content: String, _ expected: String) throws {
    let before = try store.exported(as: .jsonl)
    let error = #expect(throws: LabelStoreError.self) {
      try store.importLabels(Data(content.utf8), named: name, images: folder.url)
    }
    #expect(
      error.map { "\($0)".contains(expected) && "\($0)".contains(name) } == true, "\(error.map { "\($0)" } ?? "")")
    #expect(try store.exported(as: .jsonl) == before)
    #expect(try store.tasks().count == 3)
  }

  /// Files that end early and files with a wrong byte.
  @Test(arguments: [LabelFormat.jsonl, .csv, .labelStudio])
  func damagedFilesAreRefusedOrTakenWhole(in format: LabelFormat) throws {
    let whole = Array(try store.exported(as: format))
    var other = try emptyStore()
    var (taken, refused) = (0, 0)
    for step in stride(from: 1, to: whole.count, by: 37) {
      var flipped = whole
      flipped[step] = UInt8(truncatingIfNeeded: step &* 151)
      for (bytes, isCut) in [(Array(whole[..<step]), true), (flipped, false)] {
        let place = "\(isCut ? "cut" : "flipped") at \(step)"
        let addition: Addition
        do {
          addition = try other.importLabels(Data(bytes), named: format.fileName)
        } catch {
          refused += 1
          #expect(try other.memeCount() == 0 && other.tasks() == store.tasks(), "\(place)")
          continue
        }
        taken += 1
        // A wrong byte changes no number of rows, except where Label Studio's own words are lost.
        let rows =
          switch (format, isCut) {
          case (.jsonl, true): bytes.split(separator: UInt8(ascii: "\n")).count
          case (.csv, true):
            String(decoding: bytes, as: UTF8.self).components(separatedBy: "\r\n").count { !$0.isEmpty } - 1
          case (.labelStudio, true): 8
          case (.labelStudio, false): addition.labels + addition.known
          default: 10
          }
        #expect(addition.labels + addition.known == rows, "\(place)")
        let again = try other.importLabels(Data(bytes), named: format.fileName)
        #expect(again.memes == 0 && again.labels == 0, "\(place)")
        other = try emptyStore()
      }
    }
    #expect(taken > 0 && refused > 0)
  }

  @Test func tasksAreMadeOfTheirLabels() throws {
    let file = """
      id,task,label
      m1,irony,true
      m2,irony,0
      m1,tone,loud
      m2,tone,quiet
      m1,animals,"[""cat"",""dog""]"
      m2,animals,"[""cat""]"
      """
    #expect(try store.importLabels(Data(file.utf8), named: "a.csv").labels == 6)
    #expect(
      try store.tasks().suffix(3) == [
        LabelTask(name: "animals", kind: .multilabel, labels: ["cat", "dog"]),
        LabelTask(name: "irony", kind: .binary, labels: ["irony"]),
        LabelTask(name: "tone", kind: .multiclass, labels: ["loud", "quiet"]),
      ])
  }

  /// A list of one name is a list, where everything is not one as in Label Studio's files.
  @Test func listsOfOneAreLists() throws {
    let rows = #"""
      {"id": "m1", "task": "animals", "label": ["cat"]}
      {"id": "m2", "task": "animals", "label": ["dog"]}
      """#
    try store.importLabels(Data(rows.utf8), named: "a.jsonl")
    #expect(try store.tasks().last == LabelTask(name: "animals", kind: .multilabel, labels: ["cat", "dog"]))
    let tasks = ["cat", "dog"].enumerated().map { number, name in
      #"""
      {"data": {"id": "m\#(number)"}, "annotations": [{"result": [
        {"from_name": "animal", "to_name": "x", "type": "choices", "value": {"choices": ["\#(name)"]}}]}]}
      """#
    }
    try store.importLabels(Data("[\(tasks.joined(separator: ","))]".utf8), named: "a.json")
    #expect(try store.tasks().last == LabelTask(name: "animal", kind: .multiclass, labels: ["cat", "dog"]))
  }
}
