import Foundation
import Testing

@testable import MemeData

@Suite struct SplitFileTests {
  private func read(_ text: String) throws -> SplitFile {
    let folder = try TemporaryDataset(["clean.jsonl": text])
    return try SplitFile(contentsOf: folder.root.appending(path: "clean.jsonl"))
  }

  @Test func whatIsWrittenIsRead() throws {
    let file = SplitFile(entries: [
      .init(id: "a/1.jpg", split: .train), .init(id: "ü \"2\"", split: .test), .init(id: "3", split: .validation),
    ])
    let text = String(decoding: try file.jsonLines(), as: UTF8.self)
    #expect(text.hasPrefix("{\"id\":\"a/1.jpg\",\"split\":\"train\"}\n"))
    #expect(try read(text) == file)
  }

  @Test func badLinesAreNamed() {
    for (text, complaint) in [
      ("{\"id\":\"1\",\"split\":\"train\"}\n{", "clean.jsonl:2: "), ("{\"id\":\"1\"}", "field 'split' is missing"),
      ("{\"id\":\"1\",\"split\":\"dev\"}", "expected one of train, validation, test"),
      ("{\"split\":\"test\"}", "field 'id'"),
      ("", "lists no meme"), ("{\"id\":\"1\",\"split\":\"test\"}\n{\"id\":\"1\",\"split\":\"train\"}", "earlier row"),
    ] {
      let error = #expect(throws: DatasetError.self) { try read(text) }
      #expect(error?.description.contains(complaint) == true, "\(error.map(\.description) ?? "")")
    }
    #expect(throws: DatasetError.notFound(URL(fileURLWithPath: "/nowhere.jsonl"))) {
      try SplitFile(contentsOf: URL(fileURLWithPath: "/nowhere.jsonl"))
    }
  }

  @Test func onlyListsAreReplaced() throws {
    let list = try SplitFile(entries: [.init(id: "1", split: .train)]).jsonLines()
    let folder = try TemporaryDataset([
      "list.jsonl": String(decoding: list, as: UTF8.self), "empty.jsonl": "", "notes.txt": "mine",
      "metadata.jsonl": "{\"id\":\"1\",\"split\":\"train\",\"text\":\"words\"}\n",
    ])
    let names = ["list.jsonl", "empty.jsonl", "notes.txt", "metadata.jsonl", "new.jsonl"]
    let may = names.map { SplitFile.mayReplace(folder.root.appending(path: $0)) }
    #expect(may == [true, true, false, false, true])
    #expect(SplitFile.mayReplace(URL(fileURLWithPath: "/dev/stdout")))
  }

  @Test func aDatasetKeepsWhatIsListedInTheSplitListed() throws {
    let memes = ["1", "2", "3"].map { Meme(id: $0, image: nil, text: "t", split: .train) }
    let dataset = Dataset(name: "d", root: URL(filePath: "/d"), format: .huggingFace, tasks: [], memes: memes)
    let file = SplitFile(entries: [.init(id: "3", split: .test), .init(id: "1", split: .train)])
    let selected = try dataset.selecting(file, named: "f")
    #expect(selected.memes.map(\.id) == ["1", "3"] && selected.memes.map(\.split) == [.train, .test])
    let stray = SplitFile(entries: [.init(id: "1", split: .train), .init(id: "9", split: .test)])
    let error = #expect(throws: DatasetError.self) { try dataset.selecting(stray, named: "f") }
    #expect(error?.description.contains("'9'") == true)
  }
}
