import Foundation
import Testing

@testable import MemeData

/// Changes of pictures against Pillow's, byte for byte, and what is random in them.
@Suite struct AugmentationTests {
  private struct Record: Decodable {
    struct Case: Decodable {
      var name: String
      var numbers: [Double]
      var width: Int
      var height: Int
    }
    var width: Int
    var height: Int
    var cases: [Case]
  }

  private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Fixtures")

  private func fixture() throws -> (picture: PlanarImage, cases: [(Record.Case, PlanarImage)]) {
    let record = try JSONDecoder().decode(
      Record.self, from: Data(contentsOf: Self.folder.appending(path: "augmentation.json")))
    var samples = [UInt8](try Data(contentsOf: Self.folder.appending(path: "augmentation.bin")))[...]
    func next(_ width: Int, _ height: Int) -> PlanarImage {
      defer { samples = samples.dropFirst(3 * width * height) }
      return PlanarImage(width: width, height: height, samples: Array(samples.prefix(3 * width * height)))
    }
    let picture = next(record.width, record.height)
    let cases = record.cases.map { ($0, next($0.width, $0.height)) }
    #expect(samples.isEmpty)
    return (picture, cases)
  }

  private func apply(_ entry: Record.Case, to picture: PlanarImage) throws -> PlanarImage {
    let numbers = entry.numbers
    let whole = numbers.map { Int($0) }
    var result = picture
    switch entry.name {
    case "bicubic": return picture.resized(width: whole[0], height: whole[1], .bicubic)
    case "bilinear": return picture.resized(width: whole[0], height: whole[1], .bilinear)
    case "crop":
      return picture.cropped(to: .init(left: whole[0], top: whole[1], width: whole[2], height: whole[3]))
        .resized(width: 12, height: 12)
    case "horizontal_flip": result.flipHorizontally()
    case "vertical_flip": result.flipVertically()
    case "grey": result.turnGrey()
    case "brightness": result.adjustBrightness(by: numbers[0])
    case "contrast": result.adjustContrast(by: numbers[0])
    case "saturation": result.adjustSaturation(by: numbers[0])
    case "sharpness": result.adjustSharpness(by: numbers[0])
    case "hue": result.turnHue(by: numbers[0])
    case "blur": result.blur(deviation: numbers[0])
    case "solarize": result.solarize(from: numbers[0])
    case "posterize": result.posterize(to: whole[0])
    case "turn":
      return picture.moved(by: .turned(degrees: numbers[0], width: picture.width, height: picture.height))
    case "perspective":
      let corners = stride(from: 0, to: 8, by: 2).map { PerspectiveMap.Point(numbers[$0], numbers[$0 + 1]) }
      return picture.seen(by: PerspectiveMap(width: picture.width, height: picture.height, corners: corners))
    case "rand_augment":
      RandAugmentChange.allCases[whole[0]].apply(to: &result, magnitude: whole[1], isNegative: whole[2] < 0)
    default: Issue.record("no operation is called \(entry.name)")
    }
    return result
  }

  @Test func everyOperationGivesPillowsBytes() throws {
    let (picture, cases) = try fixture()
    #expect(cases.count > 100)
    for (entry, expected) in cases {
      let result = try apply(entry, to: picture)
      #expect(result.width == expected.width && result.height == expected.height)
      let off = zip(result.samples, expected.samples).count { $0 != $1 }
      let most = zip(result.samples, expected.samples).map { abs(Int($0) - Int($1)) }.max() ?? 0
      #expect(off == 0, "\(entry.name) \(entry.numbers): \(off) samples differ, by \(most) at most")
    }
  }

  /// The numbers of references 11 §3 and 13 §2.
  @Test func strengthsAreThePublishedOnes() {
    let crop: [AugmentationPipeline.Step] = [
      .init(.crop(side: 16, area: 0.08...1, ratio: 3 / 4...4 / 3)), .init(.horizontalFlip, probability: 0.5),
    ]
    #expect(AugmentationPipeline.crop(side: 16).steps == crop)
    #expect(
      AugmentationPipeline.simCLR(side: 16).steps == crop + [
        .init(.jitter(brightness: 0.8, contrast: 0.8, saturation: 0.8, hue: 0.2), probability: 0.8),
        .init(.grey, probability: 0.2), .init(.blur(deviation: 0.1...2)),
      ])
    #expect(AugmentationPipeline.randAugment.steps == [.init(.randAugment(count: 2, magnitude: 9))])
  }

  @Test func aViewDependsOnItsStreamAlone() throws {
    let (picture, _) = try fixture()
    let pipeline = AugmentationPipeline.simCLR(side: 16)
    func view(_ parts: (Int, Int), seed: UInt64 = 1, stage: String = "head") -> PlanarImage {
      var random = SeededRandom(seed: seed, stage, parts: parts.0, parts.1)
      return pipeline(picture, using: &random)
    }
    #expect(view((3, 5)) == view((3, 5)))
    let others = [
      view((3, 5)), view((5, 3)), view((3, 6)), view((4, 5)), view((3, 5), seed: 2), view((3, 5), stage: "x"),
    ]
    for (index, one) in others.enumerated() {
      for other in others[..<index] { #expect(one != other) }
    }
  }

  /// Areas and ratios of crops are those of torchvision's RandomResizedCrop: uniform, and uniform in the logarithm.
  @Test func cropsAreSpreadAsPublished() {
    let picture = PlanarImage(width: 400, height: 400, samples: [UInt8](repeating: 0, count: 480_000))
    var random = SeededRandom(seed: 9)
    let parts = (0..<4000).map { _ in
      Augmentation.part(of: picture, area: 0.1...0.5, ratio: 3 / 4...4 / 3, using: &random)
    }
    let areas = parts.map { Double($0.width * $0.height) / 160_000 }
    #expect(areas.allSatisfy { (0.099...0.501).contains($0) })
    #expect(abs(areas.reduce(0, +) / 4000 - 0.3) < 0.01)
    let logs = parts.map { log(Double($0.width) / Double($0.height)) }
    #expect(abs(logs.reduce(0, +) / 4000) < 0.01 && logs.allSatisfy { abs($0) < log(4.0 / 3) + 0.02 })
    // Uniform on ±log(4/3): the mean magnitude is half of that.
    #expect(abs(logs.reduce(0) { $0 + abs($1) } / 4000 - log(4.0 / 3) / 2) < 0.005)
    #expect(parts.contains { $0.left == 0 } && parts.contains { $0.left + $0.width == 400 })
    let middles = parts.map { Double($0.left) / Double(max(1, 400 - $0.width)) }
    #expect(abs(middles.reduce(0, +) / 4000 - 0.5) < 0.02)
  }

  /// Corners move as torchvision's RandomPerspective moves them: inwards, by up to a part of half a side, uniformly.
  @Test func cornersMoveInwardsAsPublished() {
    let picture = PlanarImage(width: 101, height: 61, samples: [UInt8](repeating: 0, count: 3 * 101 * 61))
    var random = SeededRandom(seed: 4)
    let moves = (0..<2000).map { _ in
      let corners = Augmentation.corners(of: picture, distortion: 0.2, using: &random)
      return [
        corners[0].x, corners[0].y, 100 - corners[1].x, corners[1].y, 100 - corners[2].x, 60 - corners[2].y,
        corners[3].x, 60 - corners[3].y,
      ]
    }
    for (index, most) in [10.0, 6, 10, 6, 10, 6, 10, 6].enumerated() {
      let own = moves.map { $0[index] }
      #expect(own.min() == 0 && own.max() == most)
      #expect(abs(own.reduce(0, +) / 2000 - most / 2) < most / 20)
    }
  }

  /// A group happens whole or not at all; what is in it has probabilities of its own.
  @Test func stepsOfAGroupHaveProbabilitiesOfTheirOwn() throws {
    let (picture, _) = try fixture()
    var random = SeededRandom(seed: 3)
    let group = Augmentation.group([.init(.verticalFlip), .init(.horizontalFlip, probability: 0.5)])
    let pipeline = AugmentationPipeline([.init(group, probability: 0.4)])
    var upsideDown = picture
    upsideDown.flipVertically()
    var turned = upsideDown
    turned.flipHorizontally()
    let views = (0..<2000).map { _ in pipeline(picture, using: &random) }
    for (view, share) in [(picture, 0.6), (upsideDown, 0.2), (turned, 0.2)] {
      #expect(abs(Double(views.count { $0 == view }) / 2000 - share) < 0.03)
    }
  }

  /// Reference 07 §A.
  @Test func viewsOfCASSAreThoseOfTheReference() {
    let jitter = AugmentationPipeline.Step(
      .jitter(brightness: 0.2, contrast: 0.2, saturation: 0.2, hue: 0), probability: 1)
    let seen: [AugmentationPipeline.Step] = [jitter, .init(.perspective(distortion: 0.2), probability: 0.5)]
    let turned: [AugmentationPipeline.Step] = [jitter, .init(.turn(degrees: 10), probability: 1)]
    #expect(
      AugmentationPipeline.cass.steps == [
        .init(.group(seen), probability: 0.3), .init(.group(turned), probability: 0.3),
        .init(.verticalFlip, probability: 0.3), .init(.horizontalFlip, probability: 0.3),
      ])
  }

  /// Corners that stay leave a picture as it is; a single row or column has none to move.
  @Test func noPerspectiveChangesNothing() throws {
    let (picture, _) = try fixture()
    let (right, bottom) = (Double(picture.width - 1), Double(picture.height - 1))
    let corners = [[0, 0], [right, 0], [right, bottom], [0, bottom]].map { PerspectiveMap.Point($0[0], $0[1]) }
    let map = PerspectiveMap(width: picture.width, height: picture.height, corners: corners)
    #expect(picture.seen(by: map) == picture)
    let line = PlanarImage(width: 9, height: 1, samples: (0..<27).map { UInt8($0) })
    var (view, random) = (line, SeededRandom(seed: 1))
    Augmentation.perspective(distortion: 0.2).apply(to: &view, using: &random)
    #expect(view == line)
  }

  /// Where no crop of the ratio fits, the middle is taken.
  @Test func aStripIsCroppedInItsMiddle() {
    let strip = PlanarImage(width: 300, height: 3, samples: [UInt8](repeating: 0, count: 2700))
    var random = SeededRandom(seed: 1)
    let part = Augmentation.part(of: strip, area: 0.9...1, ratio: 3 / 4...4 / 3, using: &random)
    #expect(part == .init(left: 148, top: 0, width: 4, height: 3))
  }

  @Test func aStepHappensAsOftenAsItsProbabilitySays() throws {
    let (picture, _) = try fixture()
    var random = SeededRandom(seed: 2)
    let pipeline = AugmentationPipeline([.init(.verticalFlip, probability: 0.2)])
    let share = Double((0..<2000).count { _ in pipeline(picture, using: &random) != picture }) / 2000
    #expect(abs(share - 0.2) < 0.03)
  }
}
