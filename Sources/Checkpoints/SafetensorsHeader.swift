import Foundation

/// The parsed JSON header of a safetensors file, its offsets not yet checked against the data.
///
/// Foundation's decoder accepts duplicate keys and repairs text, so the header has a parser of its own. It follows the
/// fixed grammar of the format and therefore knows no nesting beyond it.
struct SafetensorsHeader {
  struct Entry {
    var name: String
    var type: ElementType
    var shape: [Int]
    /// Within the data that follows the header.
    var begin: Int
    var end: Int
  }

  private(set) var metadata: [String: String] = [:]
  /// In the order of the header.
  private(set) var entries: [Entry] = []

  /// Parses the header, which `cursor` covers exactly.
  init(_ file: MappedFile, _ range: Range<Int>) throws(CheckpointError) {
    var json = HeaderJSON(file, range)
    var keys: Set<String> = []
    var (metadata, entries) = (metadata, entries)
    try json.object { (json: inout HeaderJSON, key: String) throws(CheckpointError) in
      guard keys.insert(key).inserted else { throw json.malformed("the key \"\(key)\" occurs twice") }
      guard key == "__metadata__" else { return entries.append(try Self.entry(key, &json)) }
      try json.object { (json: inout HeaderJSON, key: String) throws(CheckpointError) in
        let value = try json.string()
        guard metadata.updateValue(value, forKey: key) == nil else {
          throw json.malformed("the key \"\(key)\" of __metadata__ occurs twice")
        }
      }
    }
    try json.finish()
    (self.metadata, self.entries) = (metadata, entries)
  }

  private static func entry(_ name: String, _ json: inout HeaderJSON) throws(CheckpointError) -> Entry {
    var (typeName, shape, offsets): (String?, [Int]?, [Int]?)
    try json.object { (json: inout HeaderJSON, key: String) throws(CheckpointError) in
      let isFirst: Bool
      switch key {
      case "dtype": (isFirst, typeName) = (typeName == nil, try json.string())
      case "shape": (isFirst, shape) = (shape == nil, try json.integers())
      case "data_offsets": (isFirst, offsets) = (offsets == nil, try json.integers())
      default:
        throw json.malformed("tensor \"\(name)\" has the unknown key \"\(key)\"; expected dtype, shape, data_offsets")
      }
      guard isFirst else { throw json.malformed("tensor \"\(name)\" has the key \"\(key)\" twice") }
    }
    guard let typeName, let shape, let offsets else {
      let missing = typeName == nil ? "dtype" : shape == nil ? "shape" : "data_offsets"
      throw json.malformed("tensor \"\(name)\" lacks \(missing)")
    }
    guard let type = ElementType(rawValue: typeName) else {
      throw CheckpointError(
        .unsupported, json.file.url, at: "tensor \"\(name)\"",
        "dtype \"\(typeName)\" is not known; expected one of \(ElementType.names)")
    }
    guard offsets.count == 2 else {
      throw json.malformed("tensor \"\(name)\" has \(offsets.count) data_offsets; expected a begin and an end")
    }
    return Entry(name: name, type: type, shape: shape, begin: offsets[0], end: offsets[1])
  }
}
