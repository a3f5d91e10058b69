import Foundation

/// A random change of a picture, as torchvision's transforms of the same names make it of a Pillow image.
public enum Augmentation: Sendable, Equatable {
  /// A crop of a random part of the area, whose sides have a random ratio, in the size of the view.
  case crop(side: Int, area: ClosedRange<Double> = 0.08...1, ratio: ClosedRange<Double> = 3 / 4...4 / 3)
  case horizontalFlip
  case verticalFlip
  /// Brightness, contrast, saturation and hue by random amounts, in random order.
  case jitter(brightness: Double, contrast: Double, saturation: Double, hue: Double)
  case grey
  /// A Gaussian blur of a random deviation in pixels.
  case blur(deviation: ClosedRange<Double> = 0.1...2)
  /// Inverts samples of 128 and above.
  case solarize
  /// A turn by a random angle within so many degrees; corners become black.
  case turn(degrees: Double)
  /// Moves each corner inwards by a random part, up to `distortion`, of half the picture's sides.
  case perspective(distortion: Double)
  /// Several, each with a probability of its own, where the step that holds them happens.
  case group([AugmentationPipeline.Step])
  /// So many changes of ``RandAugmentChange``, each of this strength of 30.
  case randAugment(count: Int, magnitude: Int)

  func apply(to picture: inout PlanarImage, using random: inout SeededRandom) {
    switch self {
    case .crop(let side, let area, let ratio):
      let part = Self.part(of: picture, area: area, ratio: ratio, using: &random)
      picture = picture.cropped(to: part).resized(width: side, height: side)
    case .horizontalFlip: picture.flipHorizontally()
    case .verticalFlip: picture.flipVertically()
    case .jitter(let brightness, let contrast, let saturation, let hue):
      func factor(_ strength: Double) -> Double { random.number(in: max(0, 1 - strength)...1 + strength) }
      let (b, c, s, h) = (factor(brightness), factor(contrast), factor(saturation), random.number(in: -hue...hue))
      var changes: [(inout PlanarImage) -> Void] = []
      if brightness > 0 { changes.append { $0.adjustBrightness(by: b) } }
      if contrast > 0 { changes.append { $0.adjustContrast(by: c) } }
      if saturation > 0 { changes.append { $0.adjustSaturation(by: s) } }
      if hue > 0 { changes.append { $0.turnHue(by: h) } }
      random.shuffle(&changes)
      for change in changes { change(&picture) }
    case .grey: picture.turnGrey()
    case .blur(let deviation): picture.blur(deviation: random.number(in: deviation))
    case .solarize: picture.solarize(from: 128)
    case .turn(let degrees):
      let angle = random.number(in: -degrees...degrees)
      picture = picture.moved(by: .turned(degrees: angle, width: picture.width, height: picture.height))
    case .perspective(let distortion):
      guard picture.width > 1, picture.height > 1 else { return }
      let corners = Self.corners(of: picture, distortion: distortion, using: &random)
      picture = picture.seen(by: PerspectiveMap(width: picture.width, height: picture.height, corners: corners))
    case .group(let steps): picture = AugmentationPipeline(steps)(picture, using: &random)
    case .randAugment(let count, let magnitude):
      for _ in 0..<count {
        let change = random.pick(RandAugmentChange.allCases)
        change.apply(to: &picture, magnitude: magnitude, isNegative: random.chance(0.5))
      }
    }
  }

  /// Where torchvision's RandomPerspective takes the corners of a picture.
  static func corners(
    of picture: PlanarImage, distortion: Double, using random: inout SeededRandom
  ) -> [PerspectiveMap.Point] {
    precondition((0...0.5).contains(distortion), "a distortion lies in 0...0.5, not \(distortion)")
    let (right, bottom) = (picture.width - 1, picture.height - 1)
    func inwards(_ side: Int) -> Int { random.integer(in: 0...Int(distortion * Double(side / 2))) }
    func point(_ x: Int, _ y: Int) -> PerspectiveMap.Point { .init(Double(x), Double(y)) }
    let (width, height) = (picture.width, picture.height)
    return [
      point(inwards(width), inwards(height)), point(right - inwards(width), inwards(height)),
      point(right - inwards(width), bottom - inwards(height)), point(inwards(width), bottom - inwards(height)),
    ]
  }

  /// A part of a picture; the middle, with the nearest ratio there is, where ten tries find none.
  static func part(
    of picture: PlanarImage, area: ClosedRange<Double>, ratio: ClosedRange<Double>, using random: inout SeededRandom
  ) -> PlanarImage.Rectangle {
    let (width, height) = (picture.width, picture.height)
    func rounded(_ x: Double) -> Int { Int(x.rounded(.toNearestOrEven)) }
    for _ in 0..<10 {
      let wanted = Double(width * height) * random.number(in: area)
      let shape = exp(random.number(in: log(ratio.lowerBound)...log(ratio.upperBound)))
      let (w, h) = (rounded((wanted * shape).squareRoot()), rounded((wanted / shape).squareRoot()))
      if (1...width).contains(w), (1...height).contains(h) {
        let (left, top) = (random.integer(in: 0...width - w), random.integer(in: 0...height - h))
        return .init(left: left, top: top, width: w, height: h)
      }
    }
    let own = Double(width) / Double(height)
    let (w, h) =
      own < ratio.lowerBound
      ? (width, min(rounded(Double(width) / ratio.lowerBound), height))
      : own > ratio.upperBound ? (min(rounded(Double(height) * ratio.upperBound), width), height) : (width, height)
    return .init(left: (width - w) / 2, top: (height - h) / 2, width: w, height: h)
  }
}

/// Random changes one after the other, each with a probability of its own.
public struct AugmentationPipeline: Sendable, Equatable {
  public struct Step: Sendable, Equatable {
    public var change: Augmentation
    public var probability: Double

    public init(_ change: Augmentation, probability: Double = 1) {
      self.change = change
      self.probability = probability
    }
  }

  public var steps: [Step]

  public init(_ steps: [Step]) { self.steps = steps }

  /// A view of a picture. All that is random comes from `random`: see ``SeededRandom/init(seed:_:parts:)``.
  public func callAsFunction(_ picture: PlanarImage, using random: inout SeededRandom) -> PlanarImage {
    var view = picture
    for step in steps where random.chance(step.probability) { step.change.apply(to: &view, using: &random) }
    return view
  }
}

extension AugmentationPipeline {
  /// Mirrors every other picture, and the words in it.
  public static let flip = AugmentationPipeline([Step(.horizontalFlip, probability: 0.5)])

  /// A crop in the size of the view, and a flip: what ImageNet classifiers are trained with.
  public static func crop(side: Int) -> AugmentationPipeline {
    AugmentationPipeline([Step(.crop(side: side))] + flip.steps)
  }

  /// SimCLR's as Ext-PIE-Net has them (reference 11 §3), with Pillow's blur.
  public static func simCLR(side: Int) -> AugmentationPipeline {
    AugmentationPipeline(
      crop(side: side).steps + [
        Step(.jitter(brightness: 0.8, contrast: 0.8, saturation: 0.8, hue: 0.2), probability: 0.8),
        Step(.grey, probability: 0.2),
        Step(.blur()),
      ])
  }

  /// CASS's (reference 07 §A).
  public static let cass: AugmentationPipeline = {
    let jitter = Augmentation.jitter(brightness: 0.2, contrast: 0.2, saturation: 0.2, hue: 0)
    return AugmentationPipeline([
      Step(.group([Step(jitter), Step(.perspective(distortion: 0.2), probability: 0.5)]), probability: 0.3),
      Step(.group([Step(jitter), Step(.turn(degrees: 10))]), probability: 0.3),
      Step(.verticalFlip, probability: 0.3),
      Step(.horizontalFlip, probability: 0.3),
    ])
  }()

  /// RandAugment (arXiv:1909.13719) with two changes of strength 9, as ViLT was fine-tuned (reference 13 §2).
  public static let randAugment = AugmentationPipeline([Step(.randAugment(count: 2, magnitude: 9))])
}
