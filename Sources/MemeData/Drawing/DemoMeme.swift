/// The plan of one meme of the demo corpus: all that decides its drawing, words and label.
struct DemoMeme: Sendable, Equatable {
  /// A picture, drawn the same each time.
  struct Scene: Sendable, Hashable {
    var emoji: String
    var seed: UInt64
  }

  /// An index of ``DemoTopic/all``.
  var topic: Int
  var scene: Scene
  var caption: DemoCaption
  /// Whether the picture has what its topic is about in a pleasant way.
  var isPleasant: Bool
  /// Whether the caption says that somebody is like the picture, and not that they differ.
  var isLikening: Bool
  var split: Split

  /// Unkind is to liken somebody to something unpleasant, or to tell them apart from something pleasant.
  var isMean: Bool { isLikening != isPleasant }
}
