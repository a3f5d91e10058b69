/// A quality that the captions of the demo corpus speak of, and what has it in a pleasant or an unpleasant way.
struct DemoTopic: Sendable {
  /// One thing, in the many ways that people draw it and name where they came across it.
  struct Idea: Sendable {
    var emoji: [String]
    var places: [String]
  }

  /// "smells", "smell"
  var verb: (third: String, base: String)
  /// What of a person is compared: "%" stands for "you" or a name, "%'s" for "your" or "Kevin's".
  var targets: [String]
  var pleasant: Idea
  var unpleasant: Idea

  func idea(isPleasant: Bool) -> Idea { isPleasant ? pleasant : unpleasant }
}

extension DemoTopic {
  static let all: [DemoTopic] = [
    DemoTopic(
      verb: ("smells", "smell"),
      targets: ["%", "%'s perfume", "%'s car"],
      pleasant: Idea(
        emoji: ["🌹", "🌷", "💐", "🌸"],
        places: ["flower market", "florist's window", "garden show", "rose garden"]),
      unpleasant: Idea(
        emoji: ["🐟", "🦑", "🐙", "🦞"],
        places: ["fish counter", "harbour at noon", "fishing boat", "seafood stall"])),
    DemoTopic(
      verb: ("looks", "look"),
      targets: ["%", "%'s haircut", "%'s profile picture"],
      pleasant: Idea(
        emoji: ["🦋", "🦚", "🦢", "🦩"],
        places: ["bird show", "butterfly house", "palace park", "bird house at the zoo"]),
      unpleasant: Idea(
        emoji: ["🤡", "👹", "🧟", "👺"],
        places: ["halloween night", "haunted house", "mask museum", "ghost train"])),
    DemoTopic(
      verb: ("tastes", "taste"),
      targets: ["%'s cooking", "%'s lasagna", "%'s coffee"],
      pleasant: Idea(
        emoji: ["🍰", "🍫", "🍦", "🧁"],
        places: ["bakery on the corner", "sweet shop", "dessert menu", "birthday table"]),
      unpleasant: Idea(
        emoji: ["🧼", "🧽", "🧴", "🧻"],
        places: ["bathroom shelf", "cupboard under the sink", "washing day", "hotel bathroom"])),
    DemoTopic(
      verb: ("sounds", "sound"),
      targets: ["%", "%'s singing", "%'s voice"],
      pleasant: Idea(
        emoji: ["🎻", "🎹", "🎷", "🎺"],
        places: ["concert hall", "jazz club", "music school", "orchestra rehearsal"]),
      unpleasant: Idea(
        emoji: ["🔨", "🪚", "🪓", "🚜"],
        places: ["building site", "roadworks", "hardware store", "neighbour's workshop"])),
  ]
}
