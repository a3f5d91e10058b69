/// The fields of a SentencePiece `.model` file that encoding needs.
///
/// Source: google/sentencepiece `src/sentencepiece_model.proto`; defaults are those of the fields there.
struct SentencePieceDescription {
  struct Piece {
    /// Where its UTF-8 lies in the file.
    var text = 0..<0
    var score: Float = 0
    var kind: UInt64 = 1
  }

  struct Normalization {
    /// Where the rules lie in the file.
    var charsmap = 0..<0
    var addsPrefix = true
    var removesExtraSpaces = true
    var escapesSpaces = true
  }

  private(set) var pieces: [Piece] = []
  private(set) var normalization = Normalization()
  private var modelType: UInt64 = 1
  private var marksSpacesAtEnds = false
  private var fallsBackToBytes = false

  init(_ bytes: [UInt8]) throws(ProtobufReader.Fault) {
    var message = ProtobufReader(bytes, 0..<bytes.count)
    while let (number, value) = try message.next() {
      switch (number, value) {
      case (1, .bytes(let range)): pieces.append(try Self.piece(ProtobufReader(bytes, range)))
      case (2, .bytes(let range)): try readTraining(ProtobufReader(bytes, range))
      case (3, .bytes(let range)): try readNormalization(ProtobufReader(bytes, range))
      default: break
      }
    }
    guard !pieces.isEmpty else { throw message.fault("no piece up to here") }
  }

  /// Why texts cannot be encoded as the file wants it.
  var unsupported: String? {
    if modelType != 1 {
      let names = [2: "bpe", 3: "word", 4: "char"]
      return "model_type is \(names[Int(clamping: modelType)] ?? String(modelType)); expected unigram"
    }
    if marksSpacesAtEnds { return "treat_whitespace_as_suffix is true; expected false" }
    return fallsBackToBytes ? "byte_fallback is true; expected false" : nil
  }

  private static func piece(_ reader: ProtobufReader) throws(ProtobufReader.Fault) -> Piece {
    var (reader, piece) = (reader, Piece())
    while let (number, value) = try reader.next() {
      switch (number, value) {
      case (1, .bytes(let range)): piece.text = range
      case (2, .bits32(let bits)): piece.score = Float(bitPattern: bits)
      case (3, .integer(let kind)): piece.kind = kind
      default: break
      }
    }
    return piece
  }

  private mutating func readTraining(_ reader: ProtobufReader) throws(ProtobufReader.Fault) {
    var reader = reader
    while let (number, value) = try reader.next() {
      switch (number, value) {
      case (3, .integer(let type)): modelType = type
      case (24, .integer(let flag)): marksSpacesAtEnds = flag != 0
      case (35, .integer(let flag)): fallsBackToBytes = flag != 0
      default: break
      }
    }
  }

  private mutating func readNormalization(_ reader: ProtobufReader) throws(ProtobufReader.Fault) {
    var reader = reader
    while let (number, value) = try reader.next() {
      switch (number, value) {
      case (2, .bytes(let range)): normalization.charsmap = range
      case (3, .integer(let flag)): normalization.addsPrefix = flag != 0
      case (4, .integer(let flag)): normalization.removesExtraSpaces = flag != 0
      case (5, .integer(let flag)): normalization.escapesSpaces = flag != 0
      default: break
      }
    }
  }
}
