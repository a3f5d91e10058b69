/// The forms in which labels come and go.
public enum LabelFormat: String, Sendable, CaseIterable {
  /// One row a label with its person, note and time, all that was ever said included. Of tasks the rows have the names
  /// alone: a store that does not know a task guesses its kind and labels, and has them in another order.
  case jsonl
  /// The same as a table.
  case csv
  /// `metadata.jsonl` of a Hugging Face image folder: one row a meme with the label that most people chose.
  case huggingFace = "hugging-face"
  /// Label Studio's list of tasks with annotations; who would not decide and what was taken back are left out.
  case labelStudio = "label-studio"

  /// The usual name of a file of this form.
  public var fileName: String {
    switch self {
    case .jsonl: "labels.jsonl"
    case .csv: "labels.csv"
    case .huggingFace: "metadata.jsonl"
    case .labelStudio: "label-studio.json"
    }
  }

  public var mediaType: String {
    switch self {
    case .jsonl, .huggingFace: "application/jsonl"
    case .csv: "text/csv; charset=utf-8"
    case .labelStudio: "application/json"
    }
  }
}
