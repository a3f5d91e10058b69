import Foundation
import Testing

@testable import MemeData

@Suite struct BrokenInputTests {
  private let good = #"{"id": "good", "img": "1.png", "label": 1, "text": "fine"}"#

  private func hatefulMemes(_ lines: [String], ending: String = "\n") throws -> Dataset {
    let text = ([good] + lines).joined(separator: ending)
    return try TemporaryDataset(["train.jsonl": text], images: ["1.png", "img/2.png"]).read()
  }

  @Test(arguments: [
    (#"{"id": "x", "img": "1.png", "text": "#, "bad JSON"),
    (#"{"id": "x", "img": "1.png"} more"#, "bad JSON"),
    (#"{"id": "x", "id": "y", "img": "1.png"}"#, "stands twice"),
    (#"["id"]"#, "not a JSON object"),
    (#"{"img": "1.png", "text": "t"}"#, "'id' is missing"),
    (#"{"id": "x", "img": "1.png", "label": 2}"#, "expected 0 or 1"),
    (#"{"id": "x", "img": "1.png", "text": ["t"]}"#, "'text' is not a string"),
    (#"{"id": "good", "img": "1.png", "text": "t"}"#, "earlier row"),
    (#"{"id": "x", "img": "../1.png", "text": "t"}"#, "leaves the dataset folder"),
    (#"{"id": "x", "img": "a/../../1.png", "text": "t"}"#, "leaves the dataset folder"),
    (#"{"id": "x", "img": "/1.png", "text": "t"}"#, "is absolute"),
    (#"{"id": "x", "img": "9.png"}"#, "is not in the dataset folder"),
    (#"{"id": "x", "text": " "}"#, "'img' is missing"),
    (#"{"id": "x", "img": "\#u{0}1.png"}"#, "control character"),
    (String(repeating: "[", count: 100_000), "levels deep"),
  ])
  func badRowIsReportedAndLeftOut(row: String, expected: String) throws {
    let dataset = try hatefulMemes([row, #"{"id": "after", "img": "./img/../img/2.png", "text": ""}"#])
    #expect(dataset.memes.map(\.id) == ["good", "after"])
    #expect(dataset.memes[1].image?.path.hasSuffix("/img/2.png") == true)
    #expect(dataset.memes[1].text == nil)
    #expect(dataset.problems.count == 1)
    #expect(dataset.problems.first?.file == "train.jsonl")
    #expect(dataset.problems.first?.line == 2)
    #expect(dataset.problems.first?.message.contains(expected) == true, "\(dataset.problems)")
  }

  @Test func missingImageKeepsTheText() throws {
    let dataset = try hatefulMemes([#"{"id": "x", "img": "9.png", "text": "alone", "label": 0}"#])
    let meme = try dataset.meme("x")
    #expect(meme.image == nil && meme.text == "alone" && meme.labels["hateful"] == .binary(false))
    #expect(dataset.problems.map(\.line) == [2])
  }

  @Test func strictThrowsTheFirstProblems() throws {
    let folder = try TemporaryDataset(["train.jsonl": good + "\n{\n" + "{}\n"], images: ["1.png"])
    do {
      _ = try folder.read(strict: true)
      Issue.record("strict reading accepted bad rows")
    } catch DatasetError.badRows(let problems) {
      #expect(problems.map(\.line) == [2, 3])
      #expect(DatasetError.badRows(problems).description.contains("train.jsonl:2: bad JSON"))
    }
  }

  @Test(arguments: ["\n", "\r\n", "\r"])
  func lineEndsAndByteOrderMark(ending: String) throws {
    let rows = ["\u{FEFF}" + good, "", #"{"id": "x", "img": "1.png", "text": "t"}"#, "{"].joined(separator: ending)
    let dataset = try TemporaryDataset(["train.jsonl": rows + ending], images: ["1.png"]).read()
    #expect(dataset.memes.map(\.id) == ["good", "x"])
    #expect(dataset.problems.map(\.line) == [4])
    let table = ["\u{FEFF}file_name,text,y", "1.png,a,1", "", "1.png", "2.png,\"b\(ending)c\",0"]
    let folder = try TemporaryDataset(["metadata.csv": table.joined(separator: ending)], images: ["1.png", "2.png"])
    let delimited = try folder.read()
    #expect(delimited.memes.map(\.text) == ["a", "b\(ending)c"])
    #expect(delimited.problems.map(\.description) == ["metadata.csv:4: 1 columns; the header has 3"])
  }

  @Test func textThatIsNotUTF8() throws {
    let folder = try TemporaryDataset(images: ["1.png"])
    let row = Array(#"{"id": "x", "img": "1.png", "text": "caf"#.utf8) + [0xE9] + Array("\"}\n".utf8)
    try folder.write(row + Array(good.utf8), to: "train.jsonl")
    let dataset = try folder.read()
    #expect(dataset.memes.map(\.id) == ["good"])
    #expect(dataset.problems.map(\.line) == [1])
    #expect(dataset.problems[0].message.contains("UTF-8"))
    let table = try TemporaryDataset(images: ["1.png"])
    try table.write(Array("file_name,text\n1.png,caf".utf8) + [0xE9] + Array("\n1.png,tea".utf8), to: "metadata.csv")
    let delimited = try table.read()
    #expect(delimited.memes.map(\.text) == ["tea"])
    #expect(delimited.problems == [RowProblem(file: "metadata.csv", line: 2, message: "not valid UTF-8")])
    try table.write([0xFF, 0xFE, 0x66, 0], to: "metadata.csv")
    #expect(throws: DatasetError.unreadable(file: "metadata.csv", reason: "is UTF-16; save it as UTF-8")) {
      try table.read()
    }
  }

  @Test func quotesThatAreWrong() throws {
    let rows = [
      "file_name,text", "1.png,say \"hi\"", "2.png,\"a\"b", "3.png,\"\"", "4.png,\"never closed", "5.png,last",
    ]
    let folder = try TemporaryDataset(
      ["metadata.csv": rows.joined(separator: "\n")], images: (1...5).map { "\($0).png" })
    let dataset = try folder.read()
    #expect(dataset.memes.map(\.id) == ["1.png", "3.png", "5.png"])
    #expect(dataset.memes.map(\.text) == ["say \"hi\"", nil, "last"])
    #expect(dataset.problems.map(\.line) == [3, 5])
    #expect(dataset.problems[1].message.contains("never closed"))
  }

  @Test func faultInsideAListKeepsTheRowsBefore() throws {
    let text = "[\n{\"id\": \"1\", \"text\": \"a\", \"labels\": []},\n{\"id\": \"2\", \"text\": \n]\n"
    let dataset = try TemporaryDataset(["training_set_task1.txt": text]).read()
    #expect(dataset.memes.map(\.id) == ["1"])
    #expect(dataset.problems.map(\.line) == [4])
  }

  @Test func nothingThereAndNothingKnown() throws {
    let nowhere = URL(filePath: "/no/such/folder")
    #expect(throws: DatasetError.notFound(nowhere)) { try Dataset.read(nowhere) }
    let folder = try TemporaryDataset(["notes.md": "hello", "train.jsonl": "{}"])
    do {
      _ = try folder.read()
      Issue.record("an unknown layout was read")
    } catch DatasetError.unrecognised(_, let lookedFor) {
      #expect(lookedFor.count == DatasetFormat.allCases.count)
      #expect(lookedFor.contains { $0.contains("metadata.jsonl") })
    }
    let empty = try TemporaryDataset(["metadata.jsonl": "{\"file_name\": \"none.png\"}"])
    do {
      _ = try empty.read()
      Issue.record("a dataset without memes was read")
    } catch DatasetError.noMemes(_, let problems) {
      #expect(problems.map(\.line) == [1])
    }
  }

  /// Every prefix of a file and many flipped bytes: a dataset or a typed error, never a trap.
  @Test func damagedBytesNeverTrap() throws {
    let texts = [
      "metadata.jsonl": #"{"file_name": "1.png", "text": "caf\u00e9 \ud83d\ude02", "y": [1, "a"], "z": -1.5e+3}"#
        + "\n",
      "labels.csv": "image_name,text_corrected,overall_sentiment\r\n1.png,\"a \"\"b\"\"\n\",positive\r\n",
      "training_set_task3.txt": #"[{"id": "1", "text": "t", "labels": ["Smears"]}, {"id": "2", "image": "1.png"}]"#,
    ]
    var random = LegacyRandomState(seed: 7)
    for (name, text) in texts {
      let bytes = Array(text.utf8)
      var variants = (0...bytes.count).map { Array(bytes.prefix($0)) }
      for _ in 0..<300 {
        var flipped = bytes
        flipped[Int(random.next()) % bytes.count] ^= UInt8(1 << (random.next() % 8))
        variants.append(flipped)
      }
      let folder = try TemporaryDataset(images: ["1.png"])
      for variant in variants {
        try folder.write(variant, to: name)
        do {
          #expect(try !folder.read().memes.isEmpty)
        } catch let error as DatasetError {
          #expect(!error.description.isEmpty)
        }
      }
    }
  }
}
