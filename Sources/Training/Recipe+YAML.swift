extension Recipe {
  /// Reads a recipe strictly: every key must be there and none may be unknown; see ``StrictYAML``.
  ///
  /// - Parameters:
  ///   - yaml: the file's text.
  ///   - source: the file's name for errors.
  ///   - overrides: `key.path=value` pairs that replace fields, as `--set` gives them; values are YAML.
  public init(yaml: String, source: String, overrides: [String] = []) throws {
    self = try StrictYAML(
      what: "a recipe", example: "memesense recipe show semimemes-lite", source: source,
      optionalKeys: Self.optionalKeys
    ).decode(yaml, overrides: overrides)
  }

  /// The complete recipe as YAML.
  public var yaml: String {
    get throws { try StrictYAML.text(of: self) }
  }
}
