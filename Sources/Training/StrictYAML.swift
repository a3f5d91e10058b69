import Foundation
import Yams

/// Why a recipe or a suite cannot be used: where it stands, what is wrong and what would be right.
public struct RecipeError: Error, CustomStringConvertible {
  public var description: String
}

/// Reads files that people write.
///
/// YAML decoders accept unknown keys silently; here each is refused with its line and the nearest known key, and a
/// missing key is named.
struct StrictYAML {
  /// What the file holds, as "a recipe".
  var what: String
  /// The command that shows one that is right.
  var example: String
  /// The file's name for errors.
  var source: String
  /// Keys of the top level that a file may leave out, and overrides may add.
  var optionalKeys: Set<String> = []

  /// - Parameter overrides: `key.path=value` pairs that replace fields; values are YAML.
  /// - Throws: ``RecipeError``.
  func decode<Value: Codable>(_ yaml: String, overrides: [String] = []) throws -> Value {
    guard var root = try Self.parsed(yaml, source: source), root.mapping != nil else {
      throw RecipeError(description: "\(source): \(what) is a YAML mapping of keys; see '\(example)'")
    }
    for override in overrides { try apply(override, to: &root) }
    let value: Value
    do {
      value = try YAMLDecoder().decode(Value.self, from: root)
    } catch let error as DecodingError {
      throw RecipeError(description: "\(source): \(Self.explanation(of: error, in: root))")
    }
    let known = try Self.parsed(Self.text(of: value), source: source)!
    if let stray = strayKey(in: root, beside: known, path: "") {
      let place = stray.line.map { "line \($0): " } ?? ""
      throw RecipeError(description: "\(source): \(place)unknown key '\(stray.path)'.\(stray.suggestion)")
    }
    return value
  }

  static func text(of value: some Encodable) throws -> String {
    let encoder = YAMLEncoder()
    encoder.options.indent = 2
    return try encoder.encode(value)
  }

  private static func parsed(_ yaml: String, source: String) throws -> Node? {
    do {
      return try Yams.compose(yaml: yaml)
    } catch {
      throw RecipeError(description: "\(source): \(error)")
    }
  }

  // MARK: Overrides

  private func apply(_ override: String, to root: inout Node) throws {
    guard let equals = override.firstIndex(of: "="), equals != override.startIndex else {
      throw RecipeError(description: "--set \(override): write it as key.path=value, such as settings.head.hidden=128")
    }
    let path = override[..<equals].split(separator: ".").map(String.init)
    let text = String(override[override.index(after: equals)...])
    let value = try Self.parsed(text, source: "--set \(override)") ?? Node("")
    try replace(path[...], in: &root, with: Self.unplaced(value), override: override)
  }

  /// The same without lines: those of an override are none of the file.
  private static func unplaced(_ node: Node) -> Node {
    switch node {
    case .scalar(let scalar): .scalar(.init(scalar.string, scalar.tag, scalar.style))
    case .mapping(let mapping):
      .mapping(.init(mapping.map { (unplaced($0.key), unplaced($0.value)) }, mapping.tag, mapping.style))
    case .sequence(let sequence): .sequence(.init(sequence.map(unplaced), sequence.tag, sequence.style))
    case .alias: node
    }
  }

  private func replace(
    _ path: ArraySlice<String>, in node: inout Node, with value: Node, override: String
  ) throws {
    guard let key = path.first else {
      node = value
      return
    }
    let isAdded = path.count == 1 && !override.prefix { $0 != "=" }.contains(".") && optionalKeys.contains(key)
    guard node.mapping != nil, var child = node[key] ?? (isAdded ? Node("") : nil) else {
      let known = node.mapping.map { $0.keys.compactMap(\.string) } ?? []
      throw RecipeError(
        description: "--set \(override): there is no key '\(key)' in \(noun).\(Self.nearest(to: key, among: known))")
    }
    try replace(path.dropFirst(), in: &child, with: value, override: override)
    node[key] = child
  }

  /// ``what`` with the article of a certain one: "the recipe".
  private var noun: String { what.replacing("a ", with: "the ", maxReplacements: 1) }

  // MARK: Strictness

  private struct StrayKey {
    var path: String
    var line: Int?
    var suggestion: String
  }

  /// The first key of `node` that the value's own encoding does not have. An optional key at its default is left out there.
  private func strayKey(in node: Node, beside known: Node, path: String) -> StrayKey? {
    if let mapping = node.mapping {
      guard let knownMapping = known.mapping else { return nil }
      let names: [String] = knownMapping.keys.compactMap(\.string)
      for (key, value) in mapping {
        let name = key.string ?? ""
        let fullPath = path.isEmpty ? name : "\(path).\(name)"
        guard let counterpart = knownMapping[key] else {
          if path.isEmpty, optionalKeys.contains(name) { continue }
          return StrayKey(path: fullPath, line: key.mark?.line, suggestion: Self.nearest(to: name, among: names))
        }
        if let stray = strayKey(in: value, beside: counterpart, path: fullPath) { return stray }
      }
    } else if let elements = node.sequence, let knownElements = known.sequence {
      for (index, (element, counterpart)) in zip(elements, knownElements).enumerated() {
        if let stray = strayKey(in: element, beside: counterpart, path: "\(path).\(index)") { return stray }
      }
    }
    return nil
  }

  private static func nearest(to name: String, among known: [String]) -> String {
    guard let best = known.min(by: { distance(name, $0) < distance(name, $1) }) else { return "" }
    return isLike(name, best)
      ? " Did you mean '\(best)'?" : " Known here: \(known.joined(separator: ", "))"
  }

  /// Whether a name may be another one mistyped.
  private static func isLike(_ name: String, _ other: String) -> Bool {
    distance(name, other) <= max(2, name.count / 3)
  }

  /// How many single-character edits turn `a` into `b`.
  private static func distance(_ a: String, _ b: String) -> Int {
    let (a, b) = (Array(a), Array(b))
    var row = Array(0...b.count)
    for i in a.indices {
      var diagonal = row[0]
      row[0] = i + 1
      for j in b.indices {
        let substituted = diagonal + (a[i] == b[j] ? 0 : 1)
        diagonal = row[j + 1]
        row[j + 1] = min(substituted, row[j] + 1, row[j + 1] + 1)
      }
    }
    return row[b.count]
  }

  private static func explanation(of error: DecodingError, in root: Node) -> String {
    /// The deepest node on a way down.
    func node(at keys: [String]) -> Node {
      keys.reduce(root) { current, key in
        if let sequence = current.sequence, let index = Int(key), index < sequence.count { return sequence[index] }
        return (current.mapping == nil ? nil : current[key]) ?? current
      }
    }
    func place(_ path: [any CodingKey]) -> String {
      let keys = path.map { $0.intValue.map(String.init) ?? $0.stringValue }
      let line = node(at: keys).mark.map { "line \($0.line): " } ?? ""
      return "\(line)'\(keys.joined(separator: "."))'"
    }
    switch error {
    case .keyNotFound(let key, let context):
      let path = context.codingPath.map { $0.intValue.map(String.init) ?? $0.stringValue }
      let like = node(at: path).mapping?.keys.first { isLike($0.string ?? "", key.stringValue) }
      let mistyped = like.map { "; line \($0.mark?.line ?? 0) has '\($0.string ?? "")'" } ?? ""
      return "the key '\((path + [key.stringValue]).joined(separator: "."))' is missing\(mistyped)"
    case .typeMismatch(let type, let context), .valueNotFound(let type, let context):
      return "\(place(context.codingPath)) should be a \(type)"
    case .dataCorrupted(let context):
      return "\(place(context.codingPath)): \(context.debugDescription)"
    @unknown default:
      return "\(error)"
    }
  }
}
