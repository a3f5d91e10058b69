import Audit
import Foundation
import LabelStore
import MemeData
import Testing

@testable import Server

/// Memes that come later are asked for too, and undo no order that is there.
@Suite struct QueueCompletionTests {
  private let folder: TemporaryFolder
  private let store: LabelStore
  private let task = LabelTask(name: "harm", kind: .binary, labels: ["harmful"])

  init() throws {
    folder = try TemporaryFolder()
    store = try LabelStore(at: folder.url.appending(path: "labels.sqlite"))
  }

  /// Adds memes with the pictures of these numbers; equal numbers look alike.
  private func add(_ pictures: [Int]) throws {
    let known = try store.memeCount()
    let memes = try pictures.enumerated().map { index, picture in
      let file = folder.url.appending(path: "\(known + index).png")
      try TinyRun.picture(picture, side: 96).write(to: file)
      return Meme(id: "m\(known + index + 1)", image: file, text: nil)
    }
    let dataset = Dataset(name: "d", root: folder.url, format: .huggingFace, tasks: [task], memes: memes)
    try store.add(dataset, fingerprints: FingerprintTable(of: memes) { _ in }.fingerprints)
  }

  private var queue: [(meme: Int64, reason: String)] {
    get throws {
      try store.nextMemes(task: "harm", for: "Ada", overlap: 1, limit: 99).map { ($0.meme.id, $0.reason) }
    }
  }

  @Test func aNewQueueHasEveryMemeAndCopiesLast() throws {
    try add([1, 4, 9, 1, 1])
    try store.completeQueues()
    let queue = try queue
    #expect(queue.map(\.meme).sorted() == [1, 2, 3, 4, 5])
    #expect(Set(queue.suffix(2).map(\.meme)).isSubset(of: [1, 4, 5]))
    #expect(queue.suffix(2).allSatisfy { $0.reason == "looks like one that was asked for earlier" })
    let folded = try #require(queue.prefix(3).first { [1, 4, 5].contains($0.meme) })
    #expect(folded.reason == "drawn by chance; 2 others look like it and come last")
    try store.completeQueues()
    #expect(try self.queue.map(\.meme) == queue.map(\.meme), "the same again")
  }

  @Test func theOrderOfAModelStays() throws {
    try add([1, 4, 9])
    try store.setQueue([3, 1, 2].map { QueueEntry(meme: $0, reason: "the model asks") }, task: "harm")
    // The first of the new ones looks like one that is queued.
    try add([4, 16])
    try store.completeQueues()
    let queue = try queue
    #expect(queue.map(\.meme) == [3, 1, 2, 5, 4])
    #expect(queue.prefix(3).allSatisfy { $0.reason == "the model asks" })
    #expect(queue[3].reason == "drawn by chance" && queue[4].reason.hasPrefix("looks like one"))
  }
}
