/// What one meme's answer looks like.
public enum TaskKind: String, Codable, Sendable, CaseIterable {
  /// One yes-or-no label.
  case binary
  /// Exactly one of several classes.
  case multiclass
  /// Any subset of several labels.
  case multilabel
}
