import Encoders
import MemeData
import Torch

/// How training changes pictures, as recipes say it.
public enum PictureAugmentation: String, Codable, Sendable, CaseIterable {
  case none
  /// Every other picture is mirrored.
  case flip
  /// A crop of at least 8 % of the area in the size of the picture, and a flip.
  case crop
  /// The same with strong changes of colour and a blur.
  case simclr
  /// Two changes out of fourteen.
  case randaugment
  /// Slight changes of colour, beside them a slight change of perspective or a slight turn, and flips both ways, each now and
  /// then.
  case cass

  /// What makes views of `side` rows and columns; `nil` where pictures stay as they are.
  func pipeline(side: Int) -> AugmentationPipeline? {
    switch self {
    case .none: nil
    case .flip: .flip
    case .crop: .crop(side: side)
    case .simclr: .simCLR(side: side)
    case .randaugment: .randAugment
    case .cass: .cass
    }
  }
}

/// Makes views of pictures. What a view is depends on the seed, the stage, the epoch, the meme and the view's number alone:
/// on no batch, no thread and no interruption.
public struct PictureViews {
  private let pictures: PictureBlock
  private let pipeline: AugmentationPipeline
  /// Rows and columns of a view.
  private let side: Int
  private let seed: UInt64
  private let stage: String

  /// - Parameters:
  ///   - side: What `pipeline` makes of pictures of the block.
  ///   - stage: The stage that the views are for.
  public init(
    of pictures: PictureBlock, _ pipeline: AugmentationPipeline, side: Int, seed: UInt64, stage: String
  ) {
    self.pictures = pictures
    self.pipeline = pipeline
    self.side = side
    self.seed = seed
    self.stage = stage
  }

  /// Views of the given memes, uint8 [N, 3, S, S]; those of memes without a picture are black.
  public func callAsFunction(_ memes: [Int], epoch: Int, view: Int = 0) -> Tensor {
    let bytes = 3 * side * side
    let views = Tensor.zeros([memes.count, 3, side, side], dtype: .uint8)
    let original = pictures.gathered(memes)
    let originalBytes = 3 * pictures.side * pictures.side
    original.withBytes { source in
      views.withMutableBytes { target in
        for (row, meme) in memes.enumerated() where pictures.isPresent[meme] {
          let picture = PlanarImage(
            width: pictures.side, height: pictures.side,
            samples: [UInt8](source[row * originalBytes..<(row + 1) * originalBytes]))
          var random = SeededRandom(seed: seed, stage, parts: epoch, meme, view)
          let made = pipeline(picture, using: &random)
          precondition(
            made.width == side && made.height == side, "a view of \(made.width) × \(made.height) for \(side)")
          made.samples.withUnsafeBytes {
            UnsafeMutableRawBufferPointer(rebasing: target[row * bytes..<(row + 1) * bytes]).copyMemory(from: $0)
          }
        }
      }
    }
    return views
  }
}

extension PictureAugmentation {
  /// Views in the size of the pictures that a method asked for; `nil` where they stay as they are.
  func views(of problem: Problem, stage: String) -> PictureViews? {
    self == .none ? nil : viewsOrCopies(of: problem.features.requestedPictures, seed: problem.seed, stage: stage)
  }

  /// Views of pictures in their own size, and copies where they stay as they are: for what is trained on views alone.
  func viewsOrCopies(of pictures: PictureBlock, seed: UInt64, stage: String) -> PictureViews {
    PictureViews(
      of: pictures, pipeline(side: pictures.side) ?? AugmentationPipeline([]), side: pictures.side, seed: seed,
      stage: stage)
  }
}
