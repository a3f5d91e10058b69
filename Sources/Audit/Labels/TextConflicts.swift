import MemeData

/// Memes whose texts are the same, normalised, and whose labels are not.
public struct TextConflict: Sendable, Equatable {
  public var task: String
  /// Positions of the memes with this text that have a label for the task.
  public var memes: [Int]

  /// All conflicts, the largest first within each task.
  public static func all(in memes: [Meme], tasks: [LabelTask]) -> [TextConflict] {
    var groups: [ContentDigest: [Int]] = [:]
    for (index, meme) in memes.enumerated() {
      if let text = meme.text { groups[ContentDigest(ofText: text), default: []].append(index) }
    }
    let shared = groups.values.filter { $0.count > 1 }
    return tasks.flatMap { task in
      shared.compactMap { group -> TextConflict? in
        let labelled = group.filter { memes[$0].labels[task.name] != nil }
        guard let first = labelled.first else { return nil }
        let label = memes[first].labels[task.name]
        return labelled.allSatisfy { memes[$0].labels[task.name] == label }
          ? nil : TextConflict(task: task.name, memes: labelled)
      }.sorted { ($1.memes.count, $0.memes[0]) < ($0.memes.count, $1.memes[0]) }
    }
  }
}
