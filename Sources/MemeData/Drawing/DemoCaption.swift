/// Words for an image macro: what it says of a person, and where the picture is from.
struct DemoCaption: Sendable, Hashable {
  /// The line about where, empty when there is none.
  var setting: String
  /// The line that compares somebody with the picture, or says that they differ.
  var claim: String

  /// The caption as one text.
  var text: String { setting.isEmpty ? claim : setting + " " + claim }
}

extension DemoCaption {
  private struct Manner {
    var openings: [String]
    var frames: [String]
  }

  /// `{V}` is the verb with its s, `{v}` without; `{T}` who or what is compared.
  private static let likening = Manner(
    openings: ["yes,", "yep:", "exactly:", "so true:", "same:", "true story:", "accurate:", "100% correct:"],
    frames: [
      "{V} just like {T}", "{V} exactly like {T}", "this {V} like {T}", "why does this {v} like {T}",
      "{V} a lot like {T}", "{T} and this {v} the same", "reminds me of {T}", "{T} in one picture",
    ])
  private static let contrasting = Manner(
    openings: ["no,", "nope:", "no way:", "wrong:", "not even close:", "not true:", "false:", "absolutely not:"],
    frames: [
      "never {V} like {T}", "{V} nothing like {T}", "does not {v} like {T} at all", "{T} could never",
      "the exact opposite of {T}", "this and {T}: nothing alike", "this is not {T}", "anything but {T}",
    ])
  private static let people = [
    "you", "kevin", "my brother", "my boss", "our teacher", "aunt carol", "grandpa", "my ex",
  ]
  private static let settingOpenings = [
    "", "", "", "greetings from the ", "at the ", "seen at the ", "photo from the ", "me at the ", "pov: ", "that one ",
    "back from the ", "today: ",
  ]
  private static let closings = ["lol", "fr", "no joke", "just saying", "😂", "🙃", "!!!", "trust me", "...", "💯", "👀"]

  /// A new paraphrase.
  ///
  /// - Parameters:
  ///   - isLikening: whether somebody is said to be like the picture.
  ///   - place: where the picture is from, if the caption says so.
  static func phrased(topic: DemoTopic, isLikening: Bool, place: String?, random: inout SeededRandom) -> DemoCaption {
    let manner = isLikening ? likening : contrasting
    let person = random.pick(people)
    let target = random.pick(topic.targets)
      .replacing("%'s", with: person == "you" ? "your" : person + "'s")
      .replacing("%", with: person)
    let frame = random.pick(manner.openings) + " " + random.pick(manner.frames)
    var claim = frame.replacing("{V}", with: topic.verb.third).replacing("{v}", with: topic.verb.base)
      .replacing("{T}", with: target)
    if random.chance(0.2) { claim += " " + random.pick(closings) }
    var setting = place.map { random.pick(settingOpenings) + $0 } ?? ""
    if random.chance(0.05) { claim = misspelt(claim, random: &random) }
    switch random.integer(in: 0...3) {
    case 0: break
    case 1: (setting, claim) = (capitalised(setting), capitalised(claim))
    default: (setting, claim) = (setting.uppercased(), claim.uppercased())
    }
    return DemoCaption(setting: setting, claim: claim)
  }

  private static func capitalised(_ text: String) -> String { text.prefix(1).uppercased() + text.dropFirst() }

  /// Two neighbouring letters of a word change places, as in hasty typing.
  private static func misspelt(_ text: String, random: inout SeededRandom) -> String {
    var letters = Array(text)
    let places = letters.indices.dropLast().filter { letters[$0].isLetter && letters[$0 + 1].isLetter }
    guard !places.isEmpty else { return text }
    let place = random.pick(Array(places))
    letters.swapAt(place, place + 1)
    return String(letters)
  }
}
