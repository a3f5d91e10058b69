import Foundation
import Testing

@testable import MemeData

@Suite struct SentencePieceTests {
  private struct Encoded: Decodable {
    var text: String
    var ids: [Int32]
    var agrees: Bool?
  }

  private func model(_ name: String) -> URL { fixtures.appending(path: "\(name).model") }

  @Test func siglipTokensEqualHuggingFace() throws {
    let cases: [String: [Encoded]] = try decodeFixture("siglip.json")
    for (name, lowercases) in [("lower", true), ("as-is", false)] {
      let expected = try #require(cases[name])
      #expect(expected.count > 380)
      let tokenizer = try SiglipTokenizer(model: model("siglip"), length: 24, lowercases: lowercases)
      for (text, ids) in expected.map({ ($0.text, $0.ids) }) {
        #expect(tokenizer.encode(text) == ids, "\(name) \(text.unicodeScalars.map(\.value))")
      }
    }
  }

  @Test func multilingualTokensEqualFairseqs() throws {
    let cases: [Encoded] = try decodeFixture("xlm-roberta.json")
    #expect(cases.count > 380)
    let tokenizer = try XLMRobertaTokenizer(model: model("xlm-roberta"), maxLength: 24)
    for (text, ids) in cases.map({ ($0.text, $0.ids) }) {
      #expect(tokenizer.encode(text) == ids, "\(text.unicodeScalars.map(\.value))")
    }
  }

  /// Symbols of the user, spaces as they are, no space in front, no rules.
  @Test func everySwitchTheOtherWayEqualsTheLibrary() throws {
    let cases: [Encoded] = try decodeFixture("symbols.json")
    #expect(cases.count > 380)
    let model = try SentencePieceModel(contentsOf: model("symbols"))
    for (text, ids) in cases.map({ ($0.text, $0.ids) }) {
      #expect(model.encode(text) == ids, "\(text.unicodeScalars.map(\.value))")
    }
  }

  @Test func truncationKeepsTheEnd() throws {
    let long = String(repeating: "monday again ", count: 200)
    let whole = try XLMRobertaTokenizer(model: model("xlm-roberta"), maxLength: 10_000).encode(long)
    #expect(whole.count > 400)
    for length in 2...9 {
      let cut = try XLMRobertaTokenizer(model: model("xlm-roberta"), maxLength: length).encode(long)
      #expect(cut == Array(whole.prefix(length - 1)) + [2])
      let siglip = try SiglipTokenizer(model: model("siglip"), length: length)
      #expect(siglip.encode(long).count == length && siglip.encode(long).last == siglip.endID)
    }
  }

  /// A text of 256 KiB takes seconds without optimisation, where a quadratic loop would take many minutes.
  @Test(.timeLimit(.minutes(1))) func longTextsAreNotQuadratic() throws {
    let ids = try SentencePieceModel(contentsOf: model("siglip")).encode(String(repeating: "cat ", count: 1 << 16))
    #expect(ids.count > 1 << 16)
  }

  // MARK: Damage

  /// Files cut off or altered anywhere end in an error or in a tokenizer, never in a trap.
  @Test func damagedModelsAreHarmless() throws {
    let bytes = [UInt8](try Data(contentsOf: model("siglip")))
    let folder = try TemporaryDataset()
    let url = folder.root.appending(path: "spiece.model")
    var refused = 0
    var random = SystemRandomNumberGenerator()
    for round in 0..<400 {
      var damaged = bytes
      if round.isMultiple(of: 4) {
        damaged.removeLast(Int.random(in: 1...bytes.count, using: &random))
      } else {
        for _ in 0...round % 8 {
          damaged[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
        }
      }
      try folder.write(damaged, to: "spiece.model")
      do throws(SentencePieceError) {
        let model = try SentencePieceModel(contentsOf: url)
        let ids = model.encode("when you realise it is ½ Monday again ﬁne 😂 \u{1112}\u{1161}")
        #expect(ids.allSatisfy { (0..<model.pieceCount).contains(Int($0)) })
      } catch {
        #expect(error.description.hasPrefix(url.path))
        refused += 1
      }
    }
    #expect(refused > 100)
  }

  private func error(_ bytes: [UInt8]) throws -> String {
    let folder = try TemporaryDataset()
    try folder.write(bytes, to: "spiece.model")
    let url = folder.root.appending(path: "spiece.model")
    let error = try #require(throws: SentencePieceError.self) { try SentencePieceModel(contentsOf: url) }
    return error.description
  }

  /// The fields of a message: its number, and bytes or a number.
  private func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] { [number << 3 | 2, UInt8(bytes.count)] + bytes }
  private func piece(_ text: String, kind: UInt8) -> [UInt8] { field(1, field(1, Array(text.utf8)) + [3 << 3, kind]) }

  @Test func faultsAreNamed() throws {
    let (unknown, letter) = (piece("<unk>", kind: 2), piece("a", kind: 1))
    #expect(try error([]).contains("no piece"))
    #expect(try error([0x0A, 0x7F]).contains("127 bytes announced"))
    #expect(try error([UInt8](repeating: 0xFF, count: 20)).contains("more than ten bytes"))
    #expect(try error(letter).contains("0 unknown pieces"))
    #expect(try error(unknown).contains("expected one, and normal ones beside it"))
    #expect(try error(unknown + letter + letter).contains("piece 2: 'a' stands there before"))
    #expect(try error(unknown + piece("", kind: 1)).contains("piece 1: is empty"))
    #expect(try error(unknown + piece("a", kind: 9)).contains("unknown kind 9"))
    let bpe: [UInt8] = [2 << 3 | 2, 2, 3 << 3, 2]
    #expect(try error(unknown + letter + bpe).contains("model_type is bpe; expected unigram"))
    #expect(try error(unknown + letter + field(2, [0x98, 0x02, 1])).contains("byte_fallback"))
    #expect(try error(unknown + letter + field(3, field(2, [1, 2, 3]))).contains("precompiled_charsmap has 3 bytes"))
    #expect(try error(unknown + letter + field(3, field(2, [8, 0, 0, 0, 1, 0]))).contains("announces 8 of 6 bytes"))
  }

  @Test func missingPiecesAndLengthsAreNamed() throws {
    let url = model("symbols")
    #expect(throws: SentencePieceError.missingPiece(model("siglip"), "<unk>")) {
      try XLMRobertaTokenizer(model: model("siglip"))
    }
    let folder = try TemporaryDataset()
    let small = folder.root.appending(path: "small.model")
    try folder.write(piece("<unk>", kind: 2) + piece("a", kind: 1), to: "small.model")
    #expect(throws: SentencePieceError.missingPiece(small, "</s>")) { try SiglipTokenizer(model: small) }
    #expect(throws: SentencePieceError.maxLength(0, least: 1)) { try SiglipTokenizer(model: url, length: 0) }
    #expect(throws: SentencePieceError.maxLength(1, least: 2)) { try XLMRobertaTokenizer(model: url, maxLength: 1) }
  }
}
