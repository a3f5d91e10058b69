import Foundation
import MemeData
import Testing
import Training

@testable import Server

/// What is taken away of a meme, and what answers of models make of it whose dependence on words and regions is known.
@Suite struct MemeExplanationTests {
  private static let side = MemeOcclusion.side
  private let harm = LabelTask(name: "harm", kind: .binary, labels: ["harmful"])
  private let decoder = ImageDecoder()

  /// A picture of grey cells, one of another shade for each cell, as a file.
  private func picture(of cellSide: Int = 32, shade: (_ cell: Int) -> UInt8) throws -> Data {
    let width = cellSide * Self.side
    let pixels = (0..<width * width).flatMap { place -> [UInt8] in
      let cell = place / width / cellSide * Self.side + place % width / cellSide
      return Array(repeating: shade(cell), count: 3)
    }
    return try RGBImage(width: width, height: width, pixels: pixels).pngData()
  }

  /// The mean shade of each cell of a picture's file, 0 to 1.
  private func shades(_ file: Data) throws -> [Double] {
    let image = try decoder.decode(file, name: "picture")
    return (0..<Self.side * Self.side).map { cell in
      let rows = MemeOcclusion.range(cell / Self.side, of: image.height)
      let columns = MemeOcclusion.range(cell % Self.side, of: image.width)
      let values = rows.flatMap { row in columns.map { Double(image.pixels[3 * (row * image.width + $0)]) } }
      return values.reduce(0, +) / Double(max(values.count, 1)) / 255
    }
  }

  private func input(_ picture: Data?, _ text: String?, readsText: Bool = true) -> MemeInput {
    MemeInput(id: "m", picture: picture, text: text, field: "image", readsText: readsText)
  }

  /// Explains what a model says that gives the probabilities of a task's labels.
  private func explanation(
    of meme: MemeInput, task: LabelTask? = nil, by model: (MemeInput) throws -> [Double]
  ) throws -> MemeExplanation {
    let task = task ?? harm
    let occlusion = try MemeOcclusion(of: meme, decoder: decoder)
    let answers = try occlusion.queries.map { Prediction(id: $0.id, probabilities: try model($0), task: task) }
    return MemeExplanation(of: occlusion, answers: answers, task: task.name, of: [task])
  }

  private func isNear(_ found: [Double], _ expected: [Double], within tolerance: Double = 1e-12) -> Bool {
    found.count == expected.count && zip(found, expected).allSatisfy { abs($0 - $1) <= tolerance }
  }

  // MARK: Words

  @Test func aWordThatTheModelDependsOnIsFoundWithItsSign() throws {
    let meme = input(nil, "my boss is\n a nice  boss")
    let found = try explanation(of: meme) { query in
      let words = query.text?.split(whereSeparator: \.isWhitespace) ?? []
      return [0.5 + (words.contains("is") ? 0.25 : 0) - (words.contains("nice") ? 0.125 : 0)]
    }
    #expect(found.words.map(\.text) == ["my", "boss", "is", "a", "nice", "boss"])
    #expect(isNear(found.words.map(\.effect), [0, 0, 0.25, 0, -0.125, 0]))
    #expect(found.label == "harmful" && found.prediction.probabilities["harmful"] == 0.625)
    #expect(found.cells.isEmpty && found.picture == nil && found.imageAlone == nil && found.textAlone == nil)
  }

  /// One at a time: of a word that stands twice one stays, so that a model that asks for any of them is not moved.
  @Test func aWordIsTakenAwayAlone() throws {
    let occlusion = try MemeOcclusion(of: input(nil, "no  no yes"), decoder: decoder)
    #expect(occlusion.withoutWords.map(\.text) == ["no yes", "no yes", "no no"])
    #expect(occlusion.withoutWords.allSatisfy { $0.picture == nil })
    let counted = try explanation(of: input(nil, "no no yes")) { query in
      [0.25 * Double(query.text?.split(separator: " ").count { $0 == "no" } ?? 0)]
    }
    #expect(isNear(counted.words.map(\.effect), [0.25, 0.25, 0]))
  }

  @Test func aWordAloneIsTriedOnlyBesideAPicture() throws {
    #expect(try explanation(of: input(nil, "alone")) { _ in [0.5] }.words.isEmpty)
    let occlusion = try MemeOcclusion(of: input(picture { _ in 9 }, "alone"), decoder: decoder)
    #expect(occlusion.words == ["alone"])
    #expect(occlusion.withoutWords.map(\.text) == [nil] && occlusion.withoutWords[0].picture != nil)
    // What was taken away is not read off the picture again.
    #expect(!occlusion.withoutWords[0].readsText)
    #expect(occlusion.whole.readsText && occlusion.withoutCells.allSatisfy(\.readsText))
  }

  @Test func wordsBeyondTheLimitStayInTheText() throws {
    let words = (0..<MemeOcclusion.wordLimit + 3).map { "w\($0)" }
    let occlusion = try MemeOcclusion(of: input(nil, words.joined(separator: " ")), decoder: decoder)
    #expect(occlusion.words == Array(words.prefix(MemeOcclusion.wordLimit)))
    #expect(occlusion.withoutWords[0].text == words.dropFirst().joined(separator: " ") && occlusion.isTextCut)
    let whole = words.prefix(MemeOcclusion.wordLimit).joined(separator: " ")
    #expect(try !MemeOcclusion(of: input(nil, whole), decoder: decoder).isTextCut)
  }

  // MARK: Regions

  @Test func aRegionThatTheModelDependsOnIsFoundWithItsSign() throws {
    for cell in [0, 6, 15] {
      let meme = input(try picture { $0 == cell ? 255 : 0 }, nil)
      let brighter = try explanation(of: meme) { [try shades($0.picture!)[cell]] }
      // The cell takes the mean of the picture, which is its share of the white.
      var expected = [Double](repeating: 0, count: 16)
      expected[cell] = 15.0 / 16
      #expect(isNear(brighter.cells, expected, within: 0.02), "\(brighter.cells)")
      let darker = try explanation(of: meme) { [1 - (try shades($0.picture!)[cell])] }
      #expect(isNear(darker.cells, expected.map { -$0 }, within: 0.02), "\(darker.cells)")
      #expect(brighter.words.isEmpty && brighter.picture?.width == 128)
    }
  }

  @Test func aCoveredCellChangesNothingElse() throws {
    let meme = input(try picture { UInt8(16 * $0) }, "a b")
    let occlusion = try MemeOcclusion(of: meme, decoder: decoder)
    let before = try shades(try #require(occlusion.unchanged.picture))
    let mean = before.reduce(0, +) / 16
    #expect(occlusion.withoutCells.count == 16)
    for (cell, query) in occlusion.withoutCells.enumerated() {
      var expected = before
      expected[cell] = mean
      let found = try shades(try #require(query.picture))
      #expect(isNear(found, expected, within: 0.01), "cell \(cell): \(found)")
      #expect(query.text == "a b")
    }
  }

  @Test func picturesSmallerThanTheGridAndLargerThanThePageAreExplained() throws {
    let dot = try RGBImage(width: 1, height: 2, pixels: [9, 9, 9, 200, 200, 200]).pngData()
    #expect(try explanation(of: input(dot, nil)) { _ in [0.5] }.cells == [Double](repeating: 0, count: 16))
    let large = try MemeOcclusion(of: input(picture(of: 200) { _ in 90 }, nil), decoder: decoder)
    #expect(large.picture?.width == 640)
    #expect(throws: APIError.self) { try MemeOcclusion(of: input(Data("no picture".utf8), nil), decoder: decoder) }
  }

  // MARK: The whole

  @Test func modalitiesAreAskedAlone() throws {
    let file = try picture { _ in 128 }
    let found = try explanation(of: input(file, "a b")) { query in
      [(query.picture == nil ? 0 : 0.5) + (query.text == nil ? 0 : 0.25)]
    }
    #expect(found.prediction.probabilities == ["harmful": 0.75])
    #expect(found.imageAlone?.probabilities == ["harmful": 0.5])
    #expect(found.textAlone?.probabilities == ["harmful": 0.25])
    #expect(found.words.map(\.effect) == [0, 0] && found.cells == [Double](repeating: 0, count: 16))
    let occlusion = try MemeOcclusion(of: input(file, "a b"), decoder: decoder)
    #expect(occlusion.whole == input(file, "a b") && occlusion.alone?.image == input(file, nil, readsText: false))
    let pictureOnly = try explanation(of: input(file, nil)) { _ in [0.5] }
    #expect(pictureOnly.imageAlone == nil && pictureOnly.textAlone == nil && pictureOnly.words.isEmpty)
  }

  /// A model sees finer detail in the given picture than in the small one; that is no effect of any part.
  @Test func effectsAreThoseOfTheSmallPicture() throws {
    let file = try picture { _ in 128 }
    let found = try explanation(of: input(file, "a b")) { [$0.picture == file ? 0.9 : 0.4] }
    #expect(found.prediction.probabilities == ["harmful": 0.9])
    #expect(found.words.map(\.effect) == [0, 0] && found.cells.allSatisfy { $0 == 0 })
  }

  @Test func effectsAreOfTheLikeliestLabelAndOfEqualsTheFirst() throws {
    let kinds = LabelTask(name: "kind", kind: .multiclass, labels: ["zeal", "calm", "anger"])
    func row(_ query: MemeInput) -> [Double] {
      query.text?.contains("mad") == true ? [0.25, 0.25, 0.5] : [0.25, 0.5, 0.25]
    }
    let found = try explanation(of: input(nil, "so mad"), task: kinds, by: row)
    #expect(found.label == "anger" && isNear(found.words.map(\.effect), [0, 0.25]))
    let tied = try explanation(of: input(nil, "a b"), task: kinds) { _ in [0.375, 0.25, 0.375] }
    #expect(tied.label == "zeal" && tied.label == tied.prediction.label)
  }

  @Test func aFurtherTaskIsExplainedByItsOwnAnswers() throws {
    let tone = LabelTask(name: "tone", kind: .multilabel, labels: ["dry", "warm"])
    let occlusion = try MemeOcclusion(of: input(nil, "a b"), decoder: decoder)
    let answers = occlusion.queries.map { query in
      var answer = Prediction(id: "m", probabilities: [0.5], task: harm)
      answer.tasks = ["tone": Prediction(id: "m", probabilities: [0.25, query.text == "a" ? 0.5 : 0.75], task: tone)]
      return answer
    }
    let found = MemeExplanation(of: occlusion, answers: answers, task: "tone", of: [harm, tone])
    #expect(found.label == "warm" && isNear(found.words.map(\.effect), [0, 0.25]))
    let first = MemeExplanation(of: occlusion, answers: answers, task: "harm", of: [harm, tone])
    #expect(first.label == "harmful" && first.words.allSatisfy { $0.effect == 0 })
  }
}
