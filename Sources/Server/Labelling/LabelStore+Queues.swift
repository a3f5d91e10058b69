import Audit
import LabelStore
import MemeData

extension LabelStore {
  /// Puts the memes that the queue of a task does not hold behind its others: by chance, and last those that look like an
  /// earlier one. The order in which a model asks for the others stays.
  func completeQueues() throws(LabelStoreError) {
    let memes = try memes()
    // Only needed where something is missing.
    lazy var clusters = Duplicates(memes.map(\.fingerprint), splits: memes.map { _ in nil }).clusters
    for task in try tasks() {
      let queued = try queuedMemes(task: task.name)
      guard memes.contains(where: { !queued.contains($0.id) }) else { continue }
      try appendToQueue(Self.entries(for: memes, clusters: clusters, leavingOut: queued), task: task.name)
    }
  }

  /// Entries for the memes that are not queued.
  ///
  /// - Parameter clusters: one number a meme, equal where they look alike.
  private static func entries(
    for memes: [StoredMeme], clusters: [Int], leavingOut queued: Set<Int64>
  ) -> [QueueEntry] {
    let sizes = Dictionary(clusters.map { ($0, 1) }, uniquingKeysWith: +)
    var seen = Set(zip(memes, clusters).filter { queued.contains($0.0.id) }.map(\.1))
    var order = memes.indices.filter { !queued.contains(memes[$0].id) }
    var random = SeededRandom(seed: 42, "queue")
    random.shuffle(&order)
    var first: [QueueEntry] = []
    var copies: [QueueEntry] = []
    for index in order {
      let (meme, cluster) = (memes[index].id, clusters[index])
      if seen.insert(cluster).inserted {
        first.append(QueueEntry(meme: meme, reason: "drawn by chance" + lookAlikes(sizes[cluster]! - 1)))
      } else {
        copies.append(QueueEntry(meme: meme, reason: "looks like one that was asked for earlier"))
      }
    }
    return first + copies
  }

  private static func lookAlikes(_ count: Int) -> String {
    switch count {
    case 0: ""
    case 1: "; one other looks like it and comes last"
    default: "; \(count) others look like it and come last"
    }
  }
}
