import CTesseract
import Foundation

/// One instance of Tesseract's LSTM engine; it works on one picture at a time.
final class TesseractEngine {
  /// How the engine looks for text.
  enum Layout {
    /// Columns and paragraphs, as on a page.
    case page
    /// Words wherever they stand.
    case scattered

    fileprivate var mode: TessPageSegMode { self == .page ? PSM_AUTO : PSM_SPARSE_TEXT }
  }

  private let handle: OpaquePointer

  /// - Parameter language: Tesseract's names, such as `eng` or `eng+deu`.
  init(language: String) throws(RecognitionError) {
    guard let handle = TessBaseAPICreate() else { throw .engineFailed(reason: "no memory for an instance") }
    // What it says goes nowhere: it complains of pictures on standard error.
    TessBaseAPISetVariable(handle, "debug_file", "/dev/null")
    guard TessBaseAPIInit2(handle, nil, language, OEM_LSTM_ONLY) == 0 else {
      TessBaseAPIDelete(handle)
      throw .missingLanguage(language, available: Self.languages())
    }
    // It is content with one of several languages, and with none where none is named.
    let wanted = Set(language.split(separator: "+").map(String.init))
    let missing = wanted.subtracting(Self.loadedLanguages(of: handle))
    guard missing.isEmpty, !wanted.isEmpty else {
      TessBaseAPIEnd(handle)
      TessBaseAPIDelete(handle)
      throw .missingLanguage(missing.sorted().joined(separator: "+"), available: Self.languages())
    }
    self.handle = handle
  }

  private static func loadedLanguages(of handle: OpaquePointer) -> [String] {
    guard let names = TessBaseAPIGetLoadedLanguagesAsVector(handle) else { return [] }
    defer { TessDeleteTextArray(names) }
    return Array(
      sequence(state: names) { next in
        defer { next += 1 }
        return next.pointee.map { String(cString: $0) }
      })
  }

  deinit {
    TessBaseAPIEnd(handle)
    TessBaseAPIDelete(handle)
  }

  /// The languages whose data lies where Tesseract looks for it.
  private static func languages() -> [String] {
    let folders = [ProcessInfo.processInfo.environment["TESSDATA_PREFIX"], "/usr/share/tesseract-ocr/5/tessdata"]
    let files = folders.compactMap { $0 }.lazy.compactMap { try? FileManager.default.contentsOfDirectory(atPath: $0) }
    let names = (files.first ?? []).filter { $0.hasSuffix(".traineddata") }.map { String($0.dropLast(12)) }
    return names.isEmpty ? ["none"] : names.sorted()
  }

  /// The words of a picture, line by line, as the engine finds them.
  func words(on plane: PreparedPicture.Plane, layout: Layout) throws(RecognitionError) -> [RecognizedWord] {
    TessBaseAPISetPageSegMode(handle, layout.mode)
    TessBaseAPISetImage(handle, plane.pixels, CInt(plane.width), CInt(plane.height), 1, CInt(plane.width))
    defer { TessBaseAPIClear(handle) }
    // Pictures of the net have no resolution of their own; without one the engine guesses, and says so.
    TessBaseAPISetSourceResolution(handle, 150)
    // Threads of its own would compete with those that read other pictures.
    guard memesense_recognize_alone(handle) == 0 else { throw .engineFailed(reason: "it could not read a picture") }
    guard let results = TessBaseAPIGetIterator(handle) else { return [] }  // not one word
    defer { TessResultIteratorDelete(results) }
    guard let page = TessResultIteratorGetPageIterator(results) else { return [] }
    var words: [RecognizedWord] = []
    repeat {
      var (left, top, right, bottom): (CInt, CInt, CInt, CInt) = (0, 0, 0, 0)
      guard TessPageIteratorBoundingBox(page, RIL_WORD, &left, &top, &right, &bottom) != 0,
        let text = TessResultIteratorGetUTF8Text(results, RIL_WORD)
      else { continue }
      words.append(
        RecognizedWord(
          text: String(cString: text), confidence: Double(TessResultIteratorConfidence(results, RIL_WORD)) / 100,
          box: RecognizedText.Box(left: Int(left), top: Int(top), right: Int(right), bottom: Int(bottom)),
          beginsLine: TessPageIteratorIsAtBeginningOf(page, RIL_TEXTLINE) != 0))
      TessDeleteText(text)
    } while TessResultIteratorNext(results, RIL_WORD) != 0
    return words
  }
}
