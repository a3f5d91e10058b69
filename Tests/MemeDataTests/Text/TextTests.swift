import Foundation
import Testing

@testable import MemeData

@Suite struct TextTests {
  @Test func cleaningEqualsPython() throws {
    let cases: [[String]] = try decodeFixture("cleaning.json")
    #expect(cases.count == 253)
    for pair in cases {
      #expect(TextCleaning.semiMemes.cleaned(pair[0]) == pair[1], "\(pair[0].unicodeScalars.map(\.value))")
    }
  }

  /// The vector of the published description.
  @Test func cleaningVector() {
    let text = "CHECK THIS OUT end.the www.foo.com HTTP://IMGFLIP.COM 1511 don't naïve_café 100%"
    #expect(TextCleaning.semiMemes.cleaned(text) == "check this out http   imgflip com don t naive cafe")
    #expect(TextCleaning.semiMemes.cleaned("https://example.com/a?b=1") == "")
    #expect(TextCleaning.none.cleaned(text) == text)
  }

  private struct Bag: Decodable {
    struct Counted: Decodable {
      var text: String
      var columns: [Int]
    }

    var limit: Int
    var vocabulary: [String]
    var texts: [Counted]
  }

  @Test func bagOfWordsEqualsScikitLearn() throws {
    let expected: Bag = try decodeFixture("bag_of_words.json")
    let bag = BagOfWords(fitting: expected.texts.map(\.text), limit: expected.limit)
    #expect(bag.vocabulary.map { Array($0.unicodeScalars) } == expected.vocabulary.map { Array($0.unicodeScalars) })
    for text in expected.texts { #expect(bag.columns(of: text.text) == text.columns, "\(text.text)") }
    #expect(expected.texts.contains { $0.columns.count > 3 })
    #expect(BagOfWords(vocabulary: bag.vocabulary) == bag)
  }

  private struct Encoded: Decodable {
    var text: String
    var ids: [Int32]
  }

  private func tokenizer(maxLength: Int, lowercases: Bool = true) throws -> WordPieceTokenizer {
    try WordPieceTokenizer(
      vocabulary: fixtures.appending(path: "vocab.txt"), maxLength: maxLength, lowercases: lowercases)
  }

  @Test func tokensEqualHuggingFace() throws {
    let cases: [String: [Encoded]] = try decodeFixture("wordpiece.json")
    for (name, lowercases) in [("uncased", true), ("cased", false)] {
      let expected = try #require(cases[name])
      #expect(expected.count == 257)
      let tokenizer = try tokenizer(maxLength: 24, lowercases: lowercases)
      for (text, ids) in expected.map({ ($0.text, $0.ids) }) {
        #expect(tokenizer.encode(text) == ids, "\(name) \(text.unicodeScalars.map(\.value))")
      }
    }
  }

  /// Every Unicode scalar is treated as `tokenizers` treats it.
  @Test func kindsEqualHuggingFace() throws {
    let ranges: [String: [[UInt32]]] = try decodeFixture("bert_kinds.json")
    var expected = [BertScalarKind](repeating: .letter, count: 0x11_0000)
    let kinds: [(String, BertScalarKind)] = [
      ("removed", .removed), ("space", .space), ("ideograph", .ideograph), ("punctuation", .punctuation),
      ("mark", .mark),
    ]
    for (name, kind) in kinds {
      for range in try #require(ranges[name]) {
        for value in range[0]...range[1] { expected[Int(value)] = kind }
      }
    }
    let wrong = (0..<UInt32(0x11_0000)).compactMap(Unicode.Scalar.init).filter {
      BertScalarKind($0) != expected[Int($0.value)]
    }
    #expect(wrong.isEmpty, "\(wrong.prefix(10).map(\.value))")
  }

  @Test func truncationKeepsTheFirstTokens() throws {
    let long = String(repeating: "unaffable ", count: 1000)
    let whole = try tokenizer(maxLength: 10_000).encode(long)
    #expect(whole.count == 3002)
    for length in 2...9 {
      let cut = try tokenizer(maxLength: length).encode(long)
      #expect(cut == Array(whole.prefix(length - 1)) + [whole[whole.count - 1]])
    }
  }

  @Test func vocabularyErrorsAreNamed() throws {
    let folder = try TemporaryDataset(["vocab.txt": "[PAD]\r\n[UNK]\r\n[CLS]\r\n[SEP]\r\na\r\n##a\r\n"])
    let url = folder.root.appending(path: "vocab.txt")
    #expect(try WordPieceTokenizer(vocabulary: url).encode("aaa b") == [2, 4, 5, 5, 1, 3])
    #expect(throws: WordPieceError.maxLength(1)) { try WordPieceTokenizer(vocabulary: url, maxLength: 1) }
    try folder.write(Array("[PAD]\na\nb\na\n".utf8), to: "vocab.txt")
    #expect(throws: WordPieceError.duplicate(url, line: 4, token: "a")) { try WordPieceTokenizer(vocabulary: url) }
    try folder.write(Array("[PAD]\n[UNK]\n[CLS]\n".utf8), to: "vocab.txt")
    #expect(throws: WordPieceError.missingToken(url, "[SEP]")) { try WordPieceTokenizer(vocabulary: url) }
    try folder.write([0xFF, 0x0A], to: "vocab.txt")
    #expect(throws: WordPieceError.unreadable(url, reason: "is not UTF-8")) { try WordPieceTokenizer(vocabulary: url) }
  }
}
