/// Plans a corpus of twins: two memes that share their caption or their picture and have opposite labels.
///
/// So half of the memes are mean, and knowing one side gives an AUROC of 0.75 − `contrastShare` / 2 at best. A caption's
/// place follows the picture's subject, or its twin's, so that unlabelled memes teach which drawings and which words
/// belong to one idea. Twins stay in one split: no caption and no picture of the training part is asked for in the test.
struct DemoPlan {
  /// The share of unkind memes that tell somebody apart from something pleasant.
  ///
  /// At 0 either side alone would separate the classes with an AUROC of 0.75; at one half neither would at all, but
  /// then no model that adds up evidence from both sides could learn anything either.
  static let contrastShare = 0.06
  /// How often a caption speaks of a place where its picture's subject is found.
  static let placeShare = 0.8

  private var random: SeededRandom
  private var captions: Set<String> = []

  init(seed: UInt64) {
    random = SeededRandom(seed: seed)
  }

  /// The memes in the order of their files; 70 % train, 10 % validation, 20 % test, in random order.
  mutating func memes(count: Int) -> [DemoMeme] {
    let pairCount = (count + 1) / 2
    var splits = (0..<pairCount).map { pair -> Split in
      pair * 10 < pairCount * 7 ? .train : pair * 10 < pairCount * 8 ? .validation : .test
    }
    random.shuffle(&splits)
    return Array(splits.flatMap { pair(in: $0) }.prefix(count))
  }

  private mutating func pair(in split: Split) -> [DemoMeme] {
    let isContrast = random.chance(Self.contrastShare)
    let topic = random.integer(in: 0...(DemoTopic.all.count - 1))
    let idea = DemoTopic.all[topic].idea(isPleasant: isContrast)
    let mean = DemoMeme(
      topic: topic, scene: scene(of: idea), caption: caption(topic: topic, isLikening: !isContrast, idea: idea),
      isPleasant: isContrast, isLikening: !isContrast, split: split)
    var kind = mean
    if random.chance(0.5) {
      kind.isPleasant.toggle()
      kind.scene = scene(of: DemoTopic.all[topic].idea(isPleasant: kind.isPleasant))
    } else {
      kind.isLikening.toggle()
      kind.caption = caption(topic: topic, isLikening: kind.isLikening, idea: idea)
    }
    return random.chance(0.5) ? [mean, kind] : [kind, mean]
  }

  private mutating func scene(of idea: DemoTopic.Idea) -> DemoMeme.Scene {
    DemoMeme.Scene(emoji: random.pick(idea.emoji), seed: random.bits())
  }

  /// A caption whose text no other pair has.
  private mutating func caption(topic: Int, isLikening: Bool, idea: DemoTopic.Idea) -> DemoCaption {
    while true {
      let place = random.chance(Self.placeShare) ? random.pick(idea.places) : nil
      let caption = DemoCaption.phrased(
        topic: DemoTopic.all[topic], isLikening: isLikening, place: place, random: &random)
      if captions.insert(caption.text.lowercased()).inserted { return caption }
    }
  }
}
