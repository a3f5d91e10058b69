import Foundation

/// Why an encoder cannot be used.
public enum EncoderError: Error, Equatable, CustomStringConvertible {
  /// No encoder of that name is in the catalog.
  case unknown(name: String, known: [String])
  /// Its files are in none of the folders looked at.
  case missingFiles(encoder: String, files: [String], searched: [URL])
  /// Weights that are not those of the network.
  case invalidWeights(URL, reason: String)
  /// A description of the architecture that no network can be made of.
  case invalidConfiguration(URL, reason: String)

  public var description: String {
    switch self {
    case .unknown(let name, let known):
      "no encoder is named '\(name)'; known are \(known.joined(separator: ", "))"
    case .missingFiles(let encoder, let files, let searched):
      "encoder \(encoder): \(files.joined(separator: ", ")) not found in "
        + searched.map(\.path).joined(separator: ", ")
        + "; run Scripts/setup or 'memesense encoders get \(encoder)', or set MEMESENSE_ENCODERS to their folder"
    case .invalidConfiguration(let file, let reason), .invalidWeights(let file, let reason):
      "\(file.path): \(reason)"
    }
  }
}
