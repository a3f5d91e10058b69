import Checkpoints
import Crypto
import Foundation
import MemeData
import Synchronization
import Testing
import Torch

@testable import Encoders

/// What methods read beside features: pictures, texts, tokens and regions, from the cache and on the spot alike.
@Suite struct FeatureRequestTests {
  private let folder: TemporaryFolder
  private let memes: [Meme]

  init() throws {
    folder = try TemporaryFolder()
    memes = try (0..<5).map { [folder] index in
      let url = folder.url.appending(path: "p\(index).png")
      if index != 2 { try picture(width: 30 + 9 * index, height: 40).pngData().write(to: url) }
      return Meme(
        id: "\(index)", image: index == 2 ? nil : url, text: index == 3 ? " " : "Words of number \(index)")
    }
  }

  /// What an extractor warns of.
  private final class Warnings: Sendable {
    let texts = Mutex<[String]>([])
  }

  private func tables(
    _ request: FeatureRequest, of memes: [Meme]? = nil, warnings: Warnings = Warnings()
  ) throws -> (extracted: FeatureTable, immediate: FeatureTable) {
    let memes = memes ?? self.memes
    let pair = try EncoderCatalog.pair(named: "lite")
    let extractor = try FeatureExtractor(
      encoder: pair, cacheFolder: folder.url.appending(path: "cache"), request: request,
      warn: { text in warnings.texts.withLock { $0.append(text) } },
      progress: { _, _, _ in })
    let cleaning = TextCleaning.semiMemes
    return (
      try extractor.table(extractor.extract(memes, cleaning: cleaning).keys),
      try pair.table(of: memes, cleaning: cleaning, request: request)
    )
  }

  @Test func picturesTextsAndTokensAreReadWithoutFeatures() throws {
    let request = FeatureRequest(readsFeatures: false, readsTexts: true, readsTokens: true, pictureSide: 16)
    let (extracted, immediate) = try tables(request)
    let tokenizer = try EncoderCatalog.pair(named: "lite").text
    for table in [extracted, immediate] {
      #expect(table.image.width == 0 && table.text.width == 0)
      #expect(table.image.isPresent == [true, true, false, true, true])
      #expect(table.text.isPresent == [true, true, true, false, true])
      #expect(table.texts == ["words of number", "words of number", "words of number", nil, "words of number"])
      #expect(table.ids?[3] == [] && table.ids?[0] == tokenizer.tokens(of: "words of number"))
      let pictures = try #require(table.pictures)
      let bytes = pictures.gathered([4, 2, 0])
      #expect(bytes.shape == [3, 3, 16, 16] && bytes.dtype == .uint8)
      #expect(bytes.selected(1).to(.float32).sum().item == 0, "a missing picture is black")
      for (row, meme) in [(0, 4), (2, 0)] {
        let image = picture(width: 30 + 9 * meme, height: 40)
        #expect(relativeDifference(bytes.sliced(row..<row + 1), PictureBlock.pixels(of: image, side: 16)) == 0)
      }
    }
  }

  /// A modality alone is what memes have that never had the other one.
  @Test(arguments: Modality.allCases) func memesOfOneModalityLackTheOtherInEverything(modality: Modality) throws {
    let request = FeatureRequest(
      tokenStates: .content, readsTexts: true, readsTokens: true, pictureSide: 8, regions: .grid)
    let pair = try EncoderCatalog.pair(named: "lite")
    let poor = memes.map { meme in
      var meme = meme
      if modality == .image { meme.text = nil } else { meme.image = nil }
      return meme
    }
    let expected = try pair.table(of: poor, cleaning: .semiMemes, request: request)
    let found = try pair.table(of: memes, cleaning: .semiMemes, request: request).alone(modality)
    #expect(found.image.isPresent == expected.image.isPresent && found.text.isPresent == expected.text.isPresent)
    #expect(found.image.values.doubles == expected.image.values.doubles)
    #expect(found.text.values.doubles == expected.text.values.doubles)
    #expect(found.texts == expected.texts && found.ids == expected.ids)
    #expect(found.tokens?.lengths == expected.tokens?.lengths)
    let all = Array(memes.indices)
    #expect(found.pictures?.gathered(all).doubles == expected.pictures?.gathered(all).doubles)
    #expect(found.pictures?.isPresent == expected.pictures?.isPresent)
    #expect(found.regions?.isPresent == expected.regions?.isPresent)
    #expect(found.regions?.gathered(all).isPresent.sum().item == expected.regions?.gathered(all).isPresent.sum().item)
  }

  /// Their mean over the grid is the feature of the whole picture.
  @Test func cellsOfAGridAreReadWithTheirBoxes() throws {
    let (extracted, immediate) = try tables(FeatureRequest(regions: .grid))
    for table in [extracted, immediate] {
      let regions = try #require(table.regions)
      let (features, boxes, isPresent) = regions.gathered([1, 2])
      #expect(features.shape == [2, 49, 1280] && regions.width == 1280)
      #expect(isPresent.sum(along: 1).doubles == [49, 0])
      // Cells are kept in float16.
      let mean = features.selected(0).mean(along: 0)
      #expect(relativeDifference(mean, table.image.values.selected(1)) < 2e-3)
      #expect(relativeDifference(boxes.selected(0).selected(8), Tensor([1.0 / 7, 1.0 / 7, 2.0 / 7, 2.0 / 7])) < 1e-3)
      #expect(features.selected(1).sum().item == 0 && boxes.selected(1).sum().item == 0)
    }
  }

  private func write(_ tensors: [String: Tensor]) throws -> URL {
    let file = folder.url.appending(path: "regions-\(UUID().uuidString).safetensors")
    try Checkpoint(tensors: tensors).write(to: file)
    return file
  }

  @Test func regionsOfADetectorAreFoundByThePicturesContent() throws {
    let contents = try [1, 4].map { try Data(contentsOf: try #require(memes[$0].image)) }
    let keys = contents.flatMap { [UInt8](SHA256.hash(data: $0)) }
    let features = Tensor((0..<12).map(Float.init), shape: [2, 3, 2])
    let boxes = Tensor((0..<24).map { Float($0) / 24 }, shape: [2, 3, 4])
    let file = try write([
      "keys": Tensor(keys, shape: [2, 32]), "features": features, "boxes": boxes,
    ])
    let warnings = Warnings()
    let request = FeatureRequest(readsFeatures: false, regions: .file(file))
    let (extracted, immediate) = try tables(request, warnings: warnings)
    // Two of the four pictures that memes have.
    let told = warnings.texts.withLock { $0 }
    #expect(told.count == 1 && told[0].contains("\(file.path) lacks 2 of 4 pictures"), "\(told)")
    for table in [extracted, immediate] {
      let regions = try #require(table.regions)
      #expect(regions.isPresent == [false, true, false, false, true])
      let found = regions.gathered([4, 0])
      #expect(found.features.selected(0).doubles == features.selected(1).doubles)
      #expect(found.boxes.selected(0).doubles == boxes.selected(1).doubles)
      #expect(found.isPresent.doubles == [1, 1, 1, 0, 0, 0])
    }
  }

  /// A file that is written over while a service reads it is read anew; what was mapped of it would end the process.
  @Test func aDetectorsFileThatIsWrittenOverIsReadAnew() throws {
    let picture = try Data(contentsOf: #require(memes[1].image))
    func regions(_ value: Float) -> [String: Tensor] {
      [
        "keys": Tensor([UInt8](SHA256.hash(data: picture)), shape: [1, 32]),
        "features": Tensor([Float](repeating: value, count: 30_000), shape: [1, 3, 10_000]),
        "boxes": Tensor([Float](repeating: 0.5, count: 12), shape: [1, 3, 4]),
      ]
    }
    let file = try write(regions(1))
    let pair = try EncoderCatalog.pair(named: "lite")
    let request = FeatureRequest(readsFeatures: false, regions: .file(file))
    func mean() throws -> Double {
      let meme = try pair.prepared(
        picture: picture, named: "picture", text: nil, cleaning: .none, request: request)
      try pair.requireRegions(of: meme, named: "picture", request: request)
      let table = try pair.table(of: [meme], request: request)
      return try #require(table.regions).gathered([0]).features.mean().item
    }
    #expect(try mean() == 1)
    let other = try Data(contentsOf: write(regions(2)))
    let handle = try FileHandle(forWritingTo: file)
    try handle.truncate(atOffset: 0)
    #expect(throws: CheckpointError.self) { try mean() }
    try handle.write(contentsOf: other)
    try handle.close()
    #expect(try mean() == 2)

    try Checkpoint(tensors: regions(.infinity)).write(to: file)
    #expect { try mean() } throws: { "\($0)".contains("picture 0 of 'features'") }
    let unknown = try pair.prepared(
      picture: Data(contentsOf: #require(memes[0].image)), named: "other", text: nil, cleaning: .none, request: request)
    #expect(throws: EncoderError.noRegionsOfPicture(file, name: "other")) {
      try pair.requireRegions(of: unknown, named: "other", request: request)
    }
  }

  /// A network would learn from the texts alone. Memes without pictures want no regions.
  @Test func aDetectorsFileOfOtherPicturesIsRefused() throws {
    let file = try write([
      "keys": Tensor([UInt8](repeating: 7, count: 32), shape: [1, 32]), "features": Tensor.zeros([1, 3, 2]),
      "boxes": Tensor.zeros([1, 3, 4]),
    ])
    let request = FeatureRequest(readsFeatures: false, regions: .file(file))
    #expect(throws: EncoderError.noRegionsOfPictures(file, count: 4)) { try tables(request) }
    let warnings = Warnings()
    let table = try tables(request, of: [memes[2]], warnings: warnings).extracted
    let told = warnings.texts.withLock { $0 }
    #expect(table.regions?.isPresent == [false] && told.isEmpty)
  }

  /// Pixels are no shares of a picture's sides; a detector may round.
  @Test(arguments: [DType.float32, .float16]) func boxesBeyondThePictureAreRefused(_ type: DType) throws {
    let keys = Tensor([UInt8](repeating: 0, count: 64), shape: [2, 32])
    func read(_ corner: Float) throws -> RegionFile {
      var numbers = [Float](repeating: 0.5, count: 24)
      numbers[18] = corner
      return try RegionFile(
        write([
          "keys": keys, "features": Tensor.zeros([2, 3, 2], dtype: type),
          "boxes": Tensor(numbers, shape: [2, 3, 4]).to(type),
        ]))
    }
    for corner: Float in [0, 1, 1.005, -0.005] { #expect(throws: Never.self) { try read(corner) } }
    for corner: Float in [213, 1.1, -0.1, .nan, .infinity] {
      #expect { try read(corner) } throws: { error in
        let told = "\(error)"
        return told.contains("picture 1 of 'boxes': a box is [0.5, 0.5, ") && told.contains("divide pixels")
      }
    }
  }

  @Test func filesWithoutRegionsAreRefused() throws {
    let keys = Tensor([UInt8](repeating: 0, count: 64), shape: [2, 32])
    let boxes = Tensor.zeros([2, 3, 4])
    for tensors in [
      ["keys": keys, "boxes": boxes], ["keys": keys, "features": Tensor.zeros([1, 3, 2]), "boxes": boxes],
      ["keys": keys, "features": Tensor.zeros([2, 3, 2]), "boxes": Tensor.zeros([2, 3, 3])],
    ] {
      let file = try write(tensors)
      #expect { try tables(FeatureRequest(regions: .file(file))) } throws: {
        "\($0)".contains(file.path) && "\($0)".contains("no regions")
      }
    }
  }
}
