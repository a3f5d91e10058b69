import CTesseract
import Dispatch
import Foundation
import MemeData
import Synchronization
import Testing

@testable import TextRecognition

/// Memes drawn here, whose captions are known.
@Suite struct TextRecognizerTests {
  private func withDrawnMemes<Result>(_ count: Int, _ body: ([Meme], URL) throws -> Result) throws -> Result {
    let folder = FileManager.default.temporaryDirectory.appending(path: "ocr-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try DemoCorpus(memeCount: count).write(to: folder.appending(path: "corpus"))
    let memes = try Dataset.read(folder.appending(path: "corpus")).memes.filter { $0.image != nil && $0.text != nil }
    return try body(memes, folder)
  }

  /// Letters and digits, in lower case, as words.
  private func words(_ text: String) -> String {
    text.lowercased().filter { $0 != "'" && $0 != "’" }.split { !($0.isLetter || $0.isNumber) }.joined(separator: " ")
  }

  /// The Levenshtein distance.
  private func distance(_ a: String, _ b: String) -> Int {
    let b = Array(b)
    var row = Array(0...b.count)
    for (i, x) in a.enumerated() {
      var diagonal = row[0]
      row[0] = i + 1
      for j in b.indices {
        let best = min(row[j] + 1, row[j + 1] + 1, diagonal + (x == b[j] ? 0 : 1))
        diagonal = row[j + 1]
        row[j + 1] = best
      }
    }
    return row[b.count]
  }

  @Test func captionsOfDrawnMemesAreRead() throws {
    try withDrawnMemes(24) { memes, _ in
      let recognizer = try TextRecognizer()
      var (errors, characters) = (0, 0)
      for meme in memes {
        let expected = words(meme.text!)
        errors += distance(
          expected, words(try recognizer.text(on: ImageDecoder().decode(contentsOf: meme.image!)).text))
        characters += expected.count
      }
      #expect(characters > 500)
      #expect(Double(errors) < 0.1 * Double(characters), "\(errors) of \(characters) characters")
    }
  }

  /// Kernels of libtorch wait for as many threads as they were laid out for.
  @Test func whoeverComputesMeanwhileHasAllThreads() throws {
    try withDrawnMemes(6) { memes, _ in
      let pictures = try memes.map { try ImageDecoder().decode(contentsOf: $0.image!) }
      let reading = DispatchGroup()
      for _ in 0..<2 {
        reading.enter()
        Thread.detachNewThread {
          for picture in pictures { #expect(throws: Never.self) { try TextRecognizer().text(on: picture) } }
          reading.leave()
        }
      }
      var teams: Set<CInt> = []
      while reading.wait(timeout: .now() + .microseconds(200)) == .timedOut {
        var size: CInt = 0
        GOMP_parallel(
          { if omp_get_thread_num() == 0 { $0!.storeBytes(of: omp_get_num_threads(), as: CInt.self) } }, &size, 2, 0)
        teams.insert(size)
      }
      #expect(teams == [2])
    }
  }

  @Test func aPictureWithoutTextHasNone() throws {
    let grey = RGBImage(width: 300, height: 200, pixels: [UInt8](repeating: 120, count: 180_000))
    #expect(try TextRecognizer().text(on: grey).lines.isEmpty)
    let dot = RGBImage(width: 1, height: 1, pixels: [0, 0, 0])
    #expect(try TextRecognizer().text(on: dot).lines.isEmpty)
  }

  @Test func anUnknownLanguageIsNamed() throws {
    let error = try #require(throws: RecognitionError.self) { try TextRecognizer(language: "klingon") }
    #expect(error.description.contains("'klingon'") && error.description.contains("eng"))
    #expect(throws: RecognitionError.self) { try TextRecognizer(language: "") }
    let several = try #require(throws: RecognitionError.self) { try TextRecognizer(language: "eng+klingon") }
    #expect(several.description.contains("'klingon'"), "one of two is not enough: \(several)")
  }

  /// Tesseract's names of scripts are paths.
  @Test func whatIsReadInAScriptIsRememberedBesideTheLanguages() throws {
    let memory = FileManager.default.temporaryDirectory.appending(path: "memesense-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: memory) }
    let file = try RecognizedTexts(folder: memory, language: "script/Latin").file
    #expect(file.deletingLastPathComponent().lastPathComponent == memory.lastPathComponent)
    #expect(FileManager.default.fileExists(atPath: file.path))
  }

  /// Two that remember in one folder stand for two processes.
  @Test func readersAtOnceLeaveEveryLineWhole() throws {
    try withDrawnMemes(6) { memes, folder in
      var memes = memes
      for index in memes.indices { memes[index].text = nil }
      let (lacking, memory) = (memes, folder.appending(path: "texts"))
      let readers = [try RecognizedTexts(folder: memory), try RecognizedTexts(folder: memory)]
      let failure = Mutex<(any Error)?>(nil)
      DispatchQueue.concurrentPerform(iterations: 2) { index in
        do { _ = try readers[index].fill(lacking) { _, _ in } } catch { failure.withLock { $0 = error } }
      }
      #expect(failure.withLock { $0 == nil })
      _ = try RecognizedTexts(folder: memory)
      let files = try FileManager.default.contentsOfDirectory(at: memory, includingPropertiesForKeys: nil)
      let lines = try Data(contentsOf: try #require(files.first)).split(separator: UInt8(ascii: "\n"))
      #expect(lines.count == 2 * memes.count, "each has written each")
    }
  }

  @Test func textsAreReadWhereTheyLackAndOnlyOnce() throws {
    try withDrawnMemes(12) { memes, folder in
      var memes = memes
      let (kept, lacking) = (memes[0].text, memes[1])
      for index in memes.indices.dropFirst() { memes[index].text = nil }
      memes[2].text = ""
      let broken = folder.appending(path: "broken.jpg")
      try Data([0xFF, 0xD8, 0xFF, 0]).write(to: broken)
      memes.append(Meme(id: "broken", image: broken, text: nil))
      memes.append(Meme(id: "nothing", image: nil, text: nil))
      let memory = folder.appending(path: "texts")
      let done = Mutex<[Int]>([])
      let pictures = memes.count - 2
      let (filled, problems) = try RecognizedTexts(folder: memory).fill(memes) { count, total in
        #expect(total == pictures)
        done.withLock { $0.append(count) }
      }
      #expect(done.withLock { $0.sorted() } == Array(1...pictures))
      #expect(filled[0].text == kept)
      #expect(distance(words(filled[1].text ?? ""), words(lacking.text!)) < 10)
      #expect(problems.map(\.id) == ["broken"] && filled.suffix(2).allSatisfy { $0.text == nil })

      // What is remembered is not read again, and a line that a killed process left is.
      let file = try RecognizedTexts(folder: memory).file
      var lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map(String.init)
      #expect(lines.count == memes.count - 3)
      lines = lines.map { $0.replacing(/"text":".*"/, with: #""text":"from memory""#) }
      let last = lines.removeLast()
      try Data((lines.joined(separator: "\n") + "\n" + last.prefix(20)).utf8).write(to: file)
      let again = try RecognizedTexts(folder: memory).fill(memes) { _, _ in }.memes
      #expect(again.count { $0.text == "from memory" } == lines.count)
      #expect(again.count { $0.text == nil } == 2)
      #expect(try String(contentsOf: file, encoding: .utf8).split(separator: "\n").count == memes.count - 3)

      try Data("{}\n".utf8).write(to: file)
      let error = try #require(throws: RecognitionError.self) { try RecognizedTexts(folder: memory) }
      #expect(error.description.contains("eng-1.jsonl:1: expected"))
    }
  }
}
