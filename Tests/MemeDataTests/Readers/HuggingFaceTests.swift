import Foundation
import Testing

@testable import MemeData

@Suite struct HuggingFaceTests {
  @Test func columnsBecomeTasks() throws {
    let lines = [
      #"{"file_name": "1.png", "text": "a", "rude": true, "mood": "sad", "tags": ["x", "y"], "stars": 3, "p": 0.5}"#,
      #"{"file_name": "2.png", "text": "b", "rude": 0, "mood": "glad", "tags": [], "stars": 1, "p": 0.25}"#,
      #"{"file_name": "3.png", "text": "c", "rude": null, "mood": null, "tags": ["a"], "stars": 0, "p": 1}"#,
      #"{"file_name": "4.png", "text": "d", "rude": "perhaps", "mood": "sad", "tags": ["y"], "stars": 10}"#,
    ]
    let folder = try TemporaryDataset(
      ["metadata.jsonl": lines.joined(separator: "\n")], images: (1...4).map { "\($0).png" })
    let dataset = try folder.read()
    #expect(
      dataset.tasks.filter { $0.name != "p" }
        == [
          LabelTask(name: "rude", kind: .binary, labels: ["rude"]),
          LabelTask(name: "mood", kind: .multiclass, labels: ["glad", "sad"]),
          LabelTask(name: "tags", kind: .multilabel, labels: ["a", "x", "y"]),
          LabelTask(name: "stars", kind: .multiclass, labels: ["0", "1", "3", "10"]),
        ])
    #expect(dataset.memes.map(\.id) == ["1.png", "2.png", "3.png"])
    #expect(dataset.memes.map { $0.labels["rude"] } == [.binary(true), .binary(false), nil])
    #expect(dataset.memes.map { $0.labels["mood"] } == [.multiclass(1), .multiclass(0), nil])
    #expect(dataset.memes[0].labels["tags"] == .multilabel([false, true, true]))
    #expect(dataset.memes.map { $0.labels["stars"] } == [.multiclass(2), .multiclass(1), .multiclass(0)])
    #expect(dataset.problems.map(\.description) == ["metadata.jsonl:4: field 'rude' is 'perhaps'; expected 0 or 1"])
  }

  @Test func delimitedColumnsAreReadByValue() throws {
    let rows = ["file_name,text,flag,level,kind", "1.png,a,1.0,2,true", "2.png,b,,0,false", "3.png,c,0.0,1,TRUE"]
    let folder = try TemporaryDataset(
      ["metadata.csv": rows.joined(separator: "\n")], images: (1...3).map { "\($0).png" })
    let dataset = try folder.read(strict: true)
    #expect(dataset.tasks.map(\.kind) == [.binary, .multiclass, .binary])
    #expect(dataset.memes.map { $0.labels["flag"] } == [.binary(true), nil, .binary(false)])
    #expect(dataset.memes.map { $0.labels["level"] } == [.multiclass(2), .multiclass(0), .multiclass(1)])
  }

  @Test(arguments: [
    (#"{"name": "y", "kind": "binary", "labels": ["no", "yes"]}"#, "is binary and has 2 labels; expected one"),
    (#"{"name": "y", "kind": "binary", "labels": []}"#, "they must be there and differ"),
    (#"{"name": "y", "kind": "multilabel", "labels": ["a", "a"]}"#, "they must be there and differ"),
    (#"{"name": "y", "kind": "multiclass", "labels": ["a"]}"#, "expected at least two"),
    (#"{"name": "", "kind": "binary", "labels": ["a"]}"#, "a task has no name"),
    (
      #"{"name": "y", "kind": "binary", "labels": ["y"]}, {"name": "y", "kind": "binary", "labels": ["z"]}"#,
      "stands twice"
    ),
    (#"{"name": "y", "kind": "perhaps", "labels": ["a"]}"#, "expected a list of tasks"),
  ])
  func tasksThatCannotBeAreRefused(_ tasks: String, _ reason: String) throws {
    let folder = try TemporaryDataset(
      ["metadata.jsonl": #"{"file_name": "1.png", "y": 1}"#, "tasks.json": "[\(tasks)]"], images: ["1.png"])
    #expect { try folder.read() } throws: { "\($0)".contains("tasks.json") && "\($0)".contains(reason) }
  }

  @Test func freeTextIsNoLabel() throws {
    let lines = (0..<150).map { #"{"file_name": "1.png", "id": "\#($0)", "source": "page \#($0)", "ok": true}"# }
    let folder = try TemporaryDataset(["metadata.jsonl": lines.joined(separator: "\n")], images: ["1.png"])
    #expect(try folder.read(strict: true).tasks.map(\.name) == ["ok"])
  }

  /// Counts and tags that differ from row to row are no classes, as words are not; few of them are.
  @Test func manyNumbersAndNamesAreNoLabels() throws {
    let lines = (0..<150).map { index in
      #"{"file_name": "1.png", "id": "\#(index)", "likes": \#(7 * index), "tags": ["all", "tag \#(index)"], "#
        + #""stars": \#(index % 5), "kinds": ["", "kind \#(index % 7)"]}"#
    }
    let folder = try TemporaryDataset(["metadata.jsonl": lines.joined(separator: "\n")], images: ["1.png"])
    let dataset = try folder.read(strict: true)
    #expect(
      dataset.tasks == [
        LabelTask(name: "stars", kind: .multiclass, labels: (0..<5).map(String.init)),
        LabelTask(name: "kinds", kind: .multilabel, labels: (0..<7).map { "kind \($0)" }),
      ])
    #expect(dataset.memes[9].labels["stars"] == .multiclass(4))
    #expect(dataset.memes[9].labels["kinds"] == .multilabel((0..<7).map { $0 == 2 }))
  }

  /// What is written of it could not be read again.
  @Test func whatAllRowsShareIsNoTask() throws {
    let lines = (0..<3).map {
      #"{"file_name": "1.png", "id": "\#($0)", "source": "reddit", "year": 2020, "": "\#($0 % 2)", "ok": true}"#
    }
    let folder = try TemporaryDataset(["metadata.jsonl": lines.joined(separator: "\n")], images: ["1.png"])
    let dataset = try folder.read(strict: true)
    #expect(dataset.tasks == [LabelTask(name: "ok", kind: .binary, labels: ["ok"])])
    try Dataset.writeHuggingFace(memes: dataset.memes, tasks: dataset.tasks, to: dataset.root)
    #expect(try folder.read(strict: true).memes == dataset.memes)
  }

  @Test func splitFoldersAndColumn() throws {
    let folder = try TemporaryDataset(
      [
        "train/metadata.jsonl": #"{"file_name": "1.png", "text": "a", "y": 1}"#,
        "dev/metadata.csv": "file_name,text,y\n1.png,b,0",
        "test/metadata.jsonl": #"{"file_name": "sub/1.png", "text": "c", "split": "train", "y": 0}"#,
      ], images: ["train/1.png", "dev/1.png", "test/sub/1.png"])
    let dataset = try folder.read(strict: true)
    #expect(dataset.memes.map(\.id) == ["train/1.png", "dev/1.png", "test/sub/1.png"])
    #expect(dataset.memes.map(\.split) == [.train, .validation, .train])
    #expect(dataset.memes.map { $0.labels["y"] } == [.binary(true), .binary(false), .binary(false)])
  }

  @Test func writingAndReadingGivesTheSameMemes() throws {
    let folder = try TemporaryDataset(images: ["images/a.png", "images/b b.png"])
    let tasks = [
      LabelTask(name: "odd", kind: .binary, labels: ["odd"]),
      LabelTask(name: "size", kind: .multiclass, labels: ["small", "large", "huge"]),
      LabelTask(name: "marks", kind: .multilabel, labels: ["z", "a"]),
    ]
    let image = folder.root.standardizedFileURL.path + "/images/"
    let memes = [
      Meme(
        id: "one", image: URL(filePath: image + "a.png"), text: "line\nbreak \"q\" \\ \u{2028}\u{1} 😂",
        labels: ["odd": .binary(true), "size": .multiclass(2), "marks": .multilabel([true, false])], split: .train),
      Meme(id: "2", image: URL(filePath: image + "b b.png"), text: nil, labels: ["odd": .binary(false)], split: .test),
      Meme(id: "three", image: nil, text: "alone", labels: ["marks": .multilabel([false, false])]),
    ]
    try Dataset.writeHuggingFace(memes: memes, tasks: tasks, to: folder.root)
    let dataset = try folder.read(strict: true)
    #expect(dataset.memes == memes)
    #expect(dataset.tasks == tasks)
  }

  @Test func writingRefusesWhatDoesNotFit() throws {
    let folder = try TemporaryDataset()
    let tasks = [LabelTask(name: "size", kind: .multiclass, labels: ["small"])]
    let outside = URL(filePath: "/elsewhere/a.png")
    #expect(throws: DatasetWriteError.imageOutside(meme: "a", image: outside, folder: folder.root)) {
      try Dataset.writeHuggingFace(memes: [Meme(id: "a", image: outside, text: nil)], tasks: [], to: folder.root)
    }
    let wrong = Meme(id: "a", image: nil, text: "t", labels: ["size": .multiclass(1)])
    #expect(throws: DatasetWriteError.label(meme: "a", task: "size")) {
      try Dataset.writeHuggingFace(memes: [wrong], tasks: tasks, to: folder.root)
    }
    #expect(throws: DatasetWriteError.taskName("text")) {
      let taken = LabelTask(name: "text", kind: .binary, labels: ["text"])
      try Dataset.writeHuggingFace(memes: [], tasks: [taken], to: folder.root)
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.root.path).isEmpty)
  }
}
