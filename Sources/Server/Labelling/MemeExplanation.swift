import Encoders
import Foundation
import MemeData
import Training

/// What a model says of a meme, and what of the meme moved it: parts are taken away, one at a time, and the model is asked
/// again (occlusion: Zeiler and Fergus, 2014, arXiv:1311.2901).
struct MemeExplanation: Sendable {
  /// A part of the text or the picture, and by how much the score fell without it.
  struct Word: Sendable {
    var text: String
    var effect: Double
  }

  var prediction: Prediction
  var imageAlone: Prediction?
  var textAlone: Prediction?
  /// The label that the effects are about.
  var label: String
  var words: [Word] = []
  /// Effects of the cells of a grid over the picture, row by row; none without a picture.
  var cells: [Double] = []
  /// The picture as it is shown, small.
  var picture: RGBImage?
  /// The labelled memes most like it.
  var neighbours: [(meme: Int64, similarity: Double)] = []

  /// Rows and columns of the grid.
  static let side = 4
  /// Words that are taken away, at most.
  static let wordLimit = 40
  /// The longest side that the picture is looked at with.
  private static let pictureSide = 640

  /// Asks a model.
  ///
  /// - Parameter nearest: finds the labelled memes most like features.
  /// - Throws: ``APIError``.
  init(
    of meme: MemeInput, by service: ModelService, task: LabelTask, decoder: ImageDecoder,
    nearest: @escaping @Sendable (FeatureTable) -> [(meme: Int64, similarity: Double)]
  ) async throws {
    let model = service.current
    let image = try await service.onPool { try meme.picture.map { try Self.small($0, decoder) } }
    let picture = try image?.jpegData(quality: 95)
    var queries: [MemeInput] = []
    func add(_ picture: Data?, _ text: String?) {
      queries.append(MemeInput(id: "\(queries.count)", picture: picture, text: text, field: "meme"))
    }
    add(meme.picture, meme.text)
    let hasBoth = meme.picture != nil && meme.text != nil
    if hasBoth {
      add(meme.picture, nil)
      add(nil, meme.text)
    }
    let all = (meme.text ?? "").split(whereSeparator: \.isWhitespace).map(String.init)
    let words = all.count > 1 || picture != nil ? Array(all.prefix(Self.wordLimit)) : []
    for index in words.indices {
      let rest = (all[..<index] + all[(index + 1)...]).joined(separator: " ")
      add(picture, rest.nonEmpty)
    }
    let covered = try await service.onPool { try image.map(Self.covered) ?? [] }
    for cell in covered { add(cell, meme.text) }
    // What is compared with changed pictures is the same small picture, unchanged.
    add(picture, meme.text)
    let answers = try await service.predictions(for: queries, from: model).map { answer in
      model.facts.tasks.first == task ? answer : answer.tasks?[task.name] ?? answer
    }
    prediction = answers[0]
    if hasBoth { (imageAlone, textAlone) = (answers[1], answers[2]) }
    let label = answers[0].probabilities.max { ($0.value, $1.key) < ($1.value, $0.key) }!.key
    self.label = label
    let whole = answers.last!.probabilities[label]!
    let start = hasBoth ? 3 : 1
    self.words = words.indices.map { index in
      Word(text: words[index], effect: whole - answers[start + index].probabilities[label]!)
    }
    cells = covered.indices.map { whole - answers[start + words.count + $0].probabilities[label]! }
    self.picture = image
    neighbours = try await service.onPool { try model.features(of: meme, decoder: decoder).map(nearest) ?? [] }
  }

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
      return try RGBImage(width: image.width, height: image.height, pixels: pixels).jpegData(quality: 95)
    }
  }

  /// The pixels of a row or column of cells.
  static func range(_ index: Int, of length: Int) -> Range<Int> { length * index / side..<length * (index + 1) / side }
}
