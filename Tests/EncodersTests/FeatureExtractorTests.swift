import Foundation
import MemeData
import Synchronization
import Testing
import Torch

@testable import Encoders

/// Encodes a picture as its first pixel and a text as its letters, and counts.
private final class Counting: ImageEncoder, TokenEncoder {
  let width = 3
  let paddedLength: Int? = 9
  let preferredBatchSize = 4
  let preferredTokenCount = 20
  let inputSide = 1
  let encoded = Mutex(0)

  func pixels(of image: RGBImage) -> Tensor { Tensor(image.pixels.prefix(3).map(Float.init), shape: [1, 3]) }

  func encode(_ pixels: [Tensor]) -> Tensor {
    encoded.withLock { $0 += pixels.count }
    return Tensor.concatenated(pixels, along: 0)
  }

  func tokens(of text: String) -> [Int32] { [0] + text.utf8.map(Int32.init) }

  func encode(_ texts: [[Int32]]) -> Tensor {
    encoded.withLock { $0 += texts.count }
    return Tensor(
      texts.flatMap { [Float($0.count), Float($0.last!), Float($0.reduce(0, +))] }, shape: [texts.count, 3])
  }

  /// Of each token itself, its place and the text's length.
  func states(_ texts: [[Int32]]) -> Tensor {
    let rows = texts.flatMap { text in text.indices.flatMap { [Float(text[$0]), Float($0), Float(text.count)] } }
    return Tensor(rows, shape: [rows.count / 3, 3])
  }

  static func expected(_ text: String) -> [Float] {
    [Float(text.utf8.count + 1), Float(text.utf8.last!), Float(text.utf8.reduce(0) { $0 + Int($1) })]
  }
}

@Suite struct FeatureExtractorTests {
  private let folder: TemporaryFolder
  private let image = Counting()
  private let text = Counting()

  init() throws { folder = try TemporaryFolder() }

  private func extractor(cached: Bool = true, request: FeatureRequest = FeatureRequest()) throws -> FeatureExtractor {
    let pair = try pair()
    guard cached else { return FeatureExtractor(encoder: pair, progress: { _, _, _ in }) }
    return try FeatureExtractor(
      encoder: pair, cacheFolder: folder.url.appending(path: "cache"), request: request,
      warn: { Issue.record("warned: \($0)") }, progress: { _, _, _ in })
  }

  private func pair() throws -> EncoderPair {
    let weights = folder.url.appending(path: "weights")
    try Data("weights".utf8).write(to: weights)
    let (image, text) = (image, text)
    return EncoderPair(
      name: "counting", computation: Computation(),
      image: .init(width: 3, files: [weights], preprocessing: "first pixel") { image },
      text: .init(width: 3, files: [weights], preprocessing: "letters") { text })
  }

  private func file(_ name: String, shade: UInt8) throws -> URL {
    let url = folder.url.appending(path: name)
    try RGBImage(width: 2, height: 1, pixels: [shade, 7, 9, 1, 2, 3]).pngData().write(to: url)
    return url
  }

  /// 60 memes: every third without picture, every fourth without text, each content three times at least.
  private func memes() throws -> [Meme] {
    try (0..<60).map { index in
      Meme(
        id: "m\(index)", image: index % 3 == 0 ? nil : try file("\(index).png", shade: UInt8(index % 10)),
        text: index % 4 == 0 ? nil : String(repeating: "x", count: index % 7 + 1))
    }
  }

  @Test func rowsBelongToTheirMemesAndCopiesAreComputedOnce() throws {
    let memes = try memes()
    let extractor = try extractor()
    let result = try extractor.extract(memes, cleaning: .none)
    let table = try extractor.table(result.keys)
    #expect(result.problems.isEmpty)
    #expect(result.statistics.imagesComputed == 10 && image.encoded.withLock { $0 } == 10)
    #expect(result.statistics.textsComputed == 7 && text.encoded.withLock { $0 } == 7)
    #expect(table.image.isPresent == memes.map { $0.image != nil })
    #expect(table.text.isPresent == memes.map { $0.text != nil })
    let absent: [Float] = [0, 0, 0]
    let pixels = (0..<60).flatMap { index -> [Float] in index % 3 == 0 ? absent : [Float(index % 10), 7, 9] }
    let letters = memes.flatMap { meme -> [Float] in meme.text.map(Counting.expected) ?? absent }
    #expect(table.image.values.floats == pixels)
    #expect(table.text.values.floats == letters)
  }

  @Test func whatIsCachedIsNotComputedAgainUnlessNothingIsKept() throws {
    let memes = try memes()
    _ = try extractor().extract(Array(memes.prefix(20)), cleaning: .none)
    let before = image.encoded.withLock { $0 }
    let rest = try extractor().extract(memes, cleaning: .none).statistics
    #expect(before + rest.imagesComputed == 10)
    let again = try extractor().extract(memes, cleaning: .none).statistics
    #expect(again.imagesComputed == 0 && again.textsComputed == 0 && again.memes == 60)
    #expect(try extractor(cached: false).extract(memes, cleaning: .none).statistics.imagesComputed == 10)
  }

  @Test(arguments: TokenStates.allCases) func statesBelongToTheirMemesAndAreKept(_ states: TokenStates) throws {
    let memes = try memes()
    for expected in [7, 0] {
      let extractor = try extractor(request: FeatureRequest(tokenStates: states))
      let (keys, statistics, _) = try extractor.extract(memes, cleaning: .none)
      #expect(statistics.sequencesComputed == expected)
      let block = try #require(try extractor.table(keys).tokens)
      let alone = try pair().table(
        of: memes.map { Meme(id: $0.id, image: nil, text: $0.text) }, cleaning: .none,
        request: FeatureRequest(tokenStates: states))
      #expect(block.lengths == memes.map { meme in meme.text.map { states == .padded ? 9 : $0.count + 1 } ?? 0 })
      for (row, meme) in memes.enumerated() {
        guard let text = meme.text else { continue }
        var tokens = [0] + text.utf8.map(Float.init)
        if states == .padded { tokens += [Float](repeating: 0, count: 9 - tokens.count) }
        let values = tokens.enumerated().flatMap { [$1, Float($0), Float(tokens.count)] }
        #expect(block.gathered([row]).flat.floats == values)
        #expect(try #require(alone.tokens).gathered([row]).flat.floats == values)
      }
    }
    #expect(try extractor().table(extractor().extract(memes, cleaning: .none).keys).tokens == nil)
  }

  @Test func paddingThatIsNotReadIsRefusedBeforeAnyWork() throws {
    let pair = try EncoderCatalog.pair(named: "lite")
    let extractor = try FeatureExtractor(
      encoder: pair, cacheFolder: folder.url.appending(path: "cache"), request: FeatureRequest(tokenStates: .padded),
      warn: { _ in },
      progress: { phase, _, _ in Issue.record("\(phase)") })
    let error = try #require(throws: EncoderError.self) { try extractor.extract(try memes(), cleaning: .none) }
    #expect(error.description.contains("lite") && error.description.contains("reads_padding=false"))
  }

  @Test func undecodablePicturesAreReportedAndMissing() throws {
    var memes = try memes()
    let broken = folder.url.appending(path: "broken.png")
    try Data(try Data(contentsOf: file("whole.png", shade: 1)).prefix(40)).write(to: broken)
    let copy = folder.url.appending(path: "copy.png")
    try FileManager.default.copyItem(at: broken, to: copy)
    (memes[4].image, memes[7].image) = (broken, copy)
    memes[5].image = folder.url.appending(path: "absent.png")
    let extractor = try extractor()
    let result = try extractor.extract(memes, cleaning: .none)
    #expect(result.problems.map(\.id).sorted() == ["m4", "m5", "m7"])
    #expect(result.problems.contains { $0.reason.contains("broken.png") })
    #expect(result.problems.contains { $0.reason.contains("absent.png") })
    let present = try extractor.table(result.keys).image.isPresent
    #expect(present == memes.indices.map { $0 % 3 != 0 && ![4, 5, 7].contains($0) })
  }

  @Test func anEmptyOrCleanedAwayTextIsMissing() throws {
    let memes = [Meme(id: "a", image: nil, text: ""), Meme(id: "b", image: nil, text: "日本")]
    let extractor = try extractor()
    let table = try extractor.table(extractor.extract(memes, cleaning: .semiMemes).keys)
    #expect(table.text.isPresent == [false, false])
  }

  @Test func batchesHoldEveryRowOnceWithinTheBudget() {
    let lengths = [5, 30, 1, 8, 8, 2, 19, 20]
    let batches = FeatureExtractor.batches(lengths: lengths, budget: 20)
    #expect(batches.flatMap { $0 }.sorted() == Array(0..<8))
    #expect(batches.allSatisfy { $0.count == 1 || $0.reduce(0) { $0 + lengths[$1] } <= 20 })
  }

  /// The catalog's own encoders through the extractor, against each meme by itself.
  @Test func extractionEqualsEncodingMemeByMeme() throws {
    let pair = try EncoderCatalog.pair(named: "lite")
    let memes = try (0..<21).map { index in
      let url = folder.url.appending(path: "p\(index).png")
      try picture(width: 40 + 17 * index, height: 120).pngData().write(to: url)
      return Meme(id: "\(index)", image: url, text: String(repeating: "word ", count: index + 1))
    }
    let extractor = try FeatureExtractor(
      encoder: pair, cacheFolder: folder.url.appending(path: "cache"), warn: { _ in }, progress: { _, _, _ in })
    let table = try extractor.table(extractor.extract(memes, cleaning: .none).keys)
    for (row, meme) in memes.enumerated() {
      let alone = try pair.table(of: [meme], cleaning: .none)
      #expect(leastCosine(alone.image.values, table.image.values.sliced(row..<row + 1)) > 0.9999)
      #expect(leastCosine(alone.text.values, table.text.values.sliced(row..<row + 1)) > 0.9999)
    }
  }
}

@Suite struct FastDecodingTests {
  /// The bound that the documentation gives, on JPEGs that are decoded at a half and at a quarter of their size.
  @Test(arguments: [(1000, 920), (1900, 2100)]) func featuresStayNearTheExactOnes(width: Int, height: Int) throws {
    let folder = try TemporaryFolder()
    let url = folder.url.appending(path: "large.jpg")
    try picture(width: width, height: height).jpegData().write(to: url)
    let memes = [Meme(id: "large", image: url, text: nil)]
    let (exact, fast) = (try EncoderCatalog.pair(named: "lite"), try EncoderCatalog.pair(named: "lite+fast"))
    let features = try [exact, fast].map { try $0.table(of: memes, cleaning: .none).image.values }
    #expect(leastCosine(features[1], features[0]) >= 0.998)
    #expect(relativeDifference(features[1], features[0]) > 0, "the picture was not decoded at a reduced size")
  }

  /// Pictures that networks are trained on are decoded so too, for prediction as for the cache.
  @Test func picturesAreDecodedFastToo() throws {
    let folder = try TemporaryFolder()
    let url = folder.url.appending(path: "large.jpg")
    try picture(width: 1900, height: 2100).jpegData().write(to: url)
    let request = FeatureRequest(readsFeatures: false, pictureSide: 64)
    let pictures = try ["lite", "lite+fast"].map { name in
      let pair = try EncoderCatalog.pair(named: name)
      let extractor = try FeatureExtractor(
        encoder: pair, cacheFolder: folder.url.appending(path: "cache"), request: request, warn: { _ in },
        progress: { _, _, _ in })
      let keys = try extractor.extract([Meme(id: "large", image: url, text: nil)], cleaning: .none).keys
      let cached = try #require(try extractor.table(keys).pictures).gathered([0])
      let meme = try pair.prepared(
        picture: Data(contentsOf: url), named: "large", text: nil, cleaning: .none, request: request)
      #expect(try #require(try pair.table(of: [meme], request: request).pictures).gathered([0]).floats == cached.floats)
      return cached.to(.float32)
    }
    let differences = (pictures[0] - pictures[1]).absolute()
    #expect(differences.mean().item < 2)
    #expect(differences.sum().item > 0, "the picture was not decoded at a reduced size")
  }

  @Test func cacheNamesTellDecodingsApart() throws {
    let (exact, fast) = (try EncoderCatalog.pair(named: "lite"), try EncoderCatalog.pair(named: "lite+fast"))
    #expect(fast.name == "lite+fast")
    #expect(try fast.cacheNames().image != exact.cacheNames().image)
    #expect(try fast.cacheNames().text == exact.cacheNames().text)
  }
}

@Suite struct EncoderCatalogTests {
  @Test func anUnknownNameIsToldWithTheKnownOnes() {
    let error = #expect(throws: EncoderError.self) { try EncoderCatalog.pair(named: "litr") }
    #expect(error?.description == "no encoder is named 'litr'; known are lite")
  }

  @Test func missingFilesAreToldWithWhatToDo() {
    let error = EncoderError.missingFiles(
      encoder: "lite", files: ["minilm-l6/vocab.txt"],
      searched: [URL(fileURLWithPath: "/a"), URL(fileURLWithPath: "/b")])
    for part in ["lite", "minilm-l6/vocab.txt", "/a, /b", "Scripts/setup", "memesense encoders get lite"] {
      #expect(error.description.contains(part))
    }
  }

  /// Features of another precision or other weights are others.
  @Test func cacheNamesTellPrecisionsApart() throws {
    let names = try Computation.Precision.allCases.map {
      try EncoderCatalog.pair(named: "lite", computation: Computation(precision: $0)).cacheNames()
    }
    #expect(Set(names.map(\.image)).count == 2)
    #expect(Set(names.map(\.text)).count == 2)
  }
}
