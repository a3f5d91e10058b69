/// Why texts cannot be recognised.
public enum RecognitionError: Error, Sendable, Equatable, CustomStringConvertible {
  /// Tesseract has no such language, or none of its data files can be read.
  case missingLanguage(String, available: [String])
  case engineFailed(reason: String)
  /// What was read earlier is remembered in a file that something else has written into.
  case damagedMemory(file: String, line: Int)

  public var description: String {
    switch self {
    case .missingLanguage(let language, let available):
      "Tesseract has no data for the language '\(language)' (it has \(available.joined(separator: ", "))); on Debian, "
        + "install tesseract-ocr-\(language.split(separator: "+").last ?? "eng"), or name another with --language"
    case .engineFailed(let reason):
      "Tesseract failed: \(reason)"
    case .damagedMemory(let file, let line):
      "\(file):\(line): expected an object with the image's SHA-256 and its text; delete the line, or the file to read all anew"
    }
  }
}
