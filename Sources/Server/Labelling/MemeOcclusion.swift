import Foundation
import MemeData

/// What a model is asked to learn what of a meme moves it: the meme, each of its modalities alone, and the meme without each
/// of its parts in turn (occlusion: Zeiler and Fergus, 2014, arXiv:1311.2901).
struct MemeOcclusion: Sendable {
  /// The picture as it is shown and changed, small.
  let picture: RGBImage?
  /// The words that are taken away, in their order.
  let words: [String]
  /// Whether the text has more words than are taken away.
  let isTextCut: Bool
  /// The meme as it was given.
  let whole: MemeInput
  /// What changed memes are compared with: the same small picture, unchanged, with the text.
  let unchanged: MemeInput
  /// Of a meme that has both modalities.
  let alone: (image: MemeInput, text: MemeInput)?
  /// The meme without each of ``words``.
  let withoutWords: [MemeInput]
  /// The meme without each cell of a grid over the picture, row by row; none without a picture.
  let withoutCells: [MemeInput]

  /// Rows and columns of the grid.
  static let side = 4
  /// Words that are taken away, at most.
  static let wordLimit = 40
  /// The longest side that the picture is looked at with.
  private static let pictureSide = 640

  /// Decodes the picture and makes the changed ones.
  ///
  /// - Throws: ``APIError`` for a picture that cannot be read.
  init(of meme: MemeInput, decoder: ImageDecoder) throws {
    func input(_ picture: Data?, _ text: String?, readsText: Bool = true) -> MemeInput {
      MemeInput(id: meme.id, picture: picture, text: text, field: meme.field, readsText: readsText)
    }
    let picture = try meme.picture.map { try Self.small($0, decoder) }
    let file = try picture?.jpegData(quality: Self.quality)
    let all = (meme.text ?? "").split(whereSeparator: \.isWhitespace).map(String.init)
    // Of a word alone nothing would be left.
    words = all.count > 1 || picture != nil ? Array(all.prefix(Self.wordLimit)) : []
    isTextCut = all.count > Self.wordLimit
    whole = meme
    unchanged = input(file, meme.text)
    // Words that are taken away must not be read off the picture again.
    alone =
      meme.picture != nil && meme.text != nil
      ? (input(meme.picture, nil, readsText: false), input(nil, meme.text)) : nil
    withoutWords = words.indices.map { index in
      input(file, (all[..<index] + all[(index + 1)...]).joined(separator: " ").nonEmpty, readsText: false)
    }
    withoutCells = try picture.map { try Self.covered($0).map { input($0, meme.text) } } ?? []
    self.picture = picture
  }

  /// All that is asked, as ``MemeExplanation`` takes the answers.
  var queries: [MemeInput] {
    [whole, unchanged] + (alone.map { [$0.image, $0.text] } ?? []) + withoutWords + withoutCells
  }

  /// The pixels of a row or column of cells.
  static func range(_ index: Int, of length: Int) -> Range<Int> { length * index / side..<length * (index + 1) / side }

  // MARK: Pictures

  /// Of JPEG files; what is lost is lost of the unchanged picture too.
  private static let quality = 95

  private static func small(_ file: Data, _ decoder: ImageDecoder) throws(APIError) -> RGBImage {
    do throws(ImageError) {
      let data = try decoder.thumbnail(of: file, name: "image", maxSide: pictureSide)
      return try decoder.decode(data, name: "image")
    } catch {
      throw APIError(error, parameter: "image")
    }
  }

  /// The picture's files with one cell of the grid each in the picture's mean colour.
  private static func covered(_ image: RGBImage) throws -> [Data] {
    var sums = [0, 0, 0]
    for (index, value) in image.pixels.enumerated() { sums[index % 3] += Int(value) }
    let count = max(image.width * image.height, 1)
    let mean = sums.map { UInt8($0 / count) }
    return try (0..<side * side).map { cell in
      let (rows, columns) = (range(cell / side, of: image.height), range(cell % side, of: image.width))
      var pixels = image.pixels
      for row in rows {
        for column in columns {
          let place = 3 * (row * image.width + column)
          for channel in 0..<3 { pixels[place + channel] = mean[channel] }
        }
      }
      return try RGBImage(width: image.width, height: image.height, pixels: pixels).jpegData(quality: quality)
    }
  }
}
