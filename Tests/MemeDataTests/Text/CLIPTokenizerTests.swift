import Foundation
import Testing

@testable import MemeData

@Suite struct CLIPTokenizerTests {
  private struct Encoded: Decodable {
    var text: String
    var ids: [Int32]
  }

  private func tokenizer(maxLength: Int = 24) throws -> CLIPTokenizer {
    try CLIPTokenizer(
      vocabulary: fixtures.appending(path: "clip_vocab.json"), merges: fixtures.appending(path: "clip_merges.txt"),
      maxLength: maxLength)
  }

  @Test func tokensEqualHuggingFace() throws {
    let cases: [Encoded] = try decodeFixture("clip.json")
    #expect(cases.count == 305)
    let tokenizer = try tokenizer()
    for (text, ids) in cases.map({ ($0.text, $0.ids) }) {
      #expect(tokenizer.encode(text) == ids, "\(text.unicodeScalars.map(\.value))")
      #expect(tokenizer.encode(text) == ids, "the second time, from the cache")
    }
  }

  /// Every Unicode scalar is a letter, a number, a space or neither as it is to `tokenizers`.
  @Test func kindsEqualHuggingFace() throws {
    let ranges: [String: [[UInt32]]] = try decodeFixture("clip_kinds.json")
    var expected = [CLIPScalarKind](repeating: .other, count: 0x11_0000)
    for (name, kind) in [("letter", CLIPScalarKind.letter), ("number", .number), ("space", .space)] {
      for range in try #require(ranges[name]) {
        for value in range[0]...range[1] { expected[Int(value)] = kind }
      }
    }
    let wrong = (0..<UInt32(0x11_0000)).compactMap(Unicode.Scalar.init).filter {
      CLIPScalarKind($0) != expected[Int($0.value)]
    }
    #expect(wrong.isEmpty, "\(wrong.prefix(10).map(\.value))")
  }

  @Test func truncationKeepsTheEnd() throws {
    let long = String(repeating: "unable ", count: 100)
    let whole = try tokenizer(maxLength: 10_000).encode(long)
    #expect(whole.count > 100)
    for length in 2...9 {
      #expect(try tokenizer(maxLength: length).encode(long) == whole.prefix(length - 1) + [whole[whole.count - 1]])
    }
  }

  @Test func bothPaddings() throws {
    let tokenizer = try tokenizer(maxLength: 4)
    let (start, end) = (tokenizer.startID, tokenizer.endID)
    #expect(tokenizer.padded(tokenizer.encode(""), with: .zero) == [start, end, 0, 0])
    #expect(tokenizer.padded(tokenizer.encode(""), with: .endOfText) == [start, end, end, end])
  }

  /// A word of 256 KiB takes seconds without optimisation, where a quadratic loop would take many minutes.
  @Test(.timeLimit(.minutes(1))) func longWordsAreNotQuadratic() throws {
    let ids = try tokenizer(maxLength: 1 << 20).encode(String(repeating: "catx", count: 1 << 16))
    #expect(ids.count > 1 << 16)
  }

  @Test func brokenFilesAreNamed() throws {
    let vocabulary = fixtures.appending(path: "clip_vocab.json")
    let folder = try TemporaryDataset()
    let url = folder.root.appending(path: "file")
    func fault(merges text: String) throws -> CLIPTokenizerError? {
      try folder.write(Array(text.utf8), to: "file")
      return #expect(throws: CLIPTokenizerError.self) { try CLIPTokenizer(vocabulary: vocabulary, merges: url) }
    }
    func fault(vocabulary text: String) throws -> CLIPTokenizerError? {
      try folder.write(Array(text.utf8), to: "file")
      return #expect(throws: CLIPTokenizerError.self) { try CLIPTokenizer(vocabulary: url, merges: url) }
    }
    for (text, line) in [("#version: 0.2\nt h\nt\n", 3), ("t h\n\nt h", 2), ("t h\nt h\n", 2), ("t zebra\n", 1)] {
      guard case .malformed(url, line, _) = try fault(merges: text) else {
        Issue.record("\(text)")
        continue
      }
    }
    guard case .malformed(url, 2, _) = try fault(vocabulary: "{\"a\": 1,\n b}") else {
      Issue.record("a broken vocab.json")
      return
    }
    #expect(try fault(vocabulary: "{}") == .missingToken(url, "<|startoftext|>"))
    #expect(try fault(vocabulary: #"{"a": 1.5}"#) == .badID(url, token: "a", id: "1.5"))
    #expect(throws: CLIPTokenizerError.maxLength(1)) { try tokenizer(maxLength: 1) }
  }
}
