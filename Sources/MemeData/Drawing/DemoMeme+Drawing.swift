import Foundation

/// What memes are drawn from: every emoji at the size of its font's bitmaps.
struct DemoPalette: Sendable {
  static let emojiFont = "Noto Color Emoji"
  static let letterFont = "DejaVu Sans"

  private let sprites: [String: Sprite]

  /// Draws every emoji once; missing fonts are an error.
  init() throws(DemoCorpusError) {
    for (font, package) in [(Self.emojiFont, "fonts-noto-color-emoji"), (Self.letterFont, "fonts-dejavu-core")]
    where !Sprite.hasFont(font) {
      throw .missingFont(name: font, package: package)
    }
    var sprites: [String: Sprite] = [:]
    do throws(ImageError) {
      for emoji in DemoTopic.all.flatMap({ $0.pleasant.emoji + $0.unpleasant.emoji }) + Self.scenery {
        sprites[emoji] = try Sprite.lettering(emoji, font: "\(Self.emojiFont) 128")
      }
    } catch {
      throw .notDrawn(error)
    }
    self.sprites = sprites
  }

  subscript(emoji: String) -> Sprite {
    guard let sprite = sprites[emoji] else { preconditionFailure("\(emoji) is neither a subject nor scenery") }
    return sprite
  }

  /// Things that stand about in pictures and mean nothing.
  static let scenery = ["🌳", "☁️", "⭐", "🪑", "🪴", "🎈", "📦", "🚪", "🌵", "💡", "🪟", "🧱"]
}

extension DemoMeme {
  /// Draws the meme as a picture of 256 to 320 pixels a side.
  func drawn(with palette: DemoPalette) throws(ImageError) -> RGBImage {
    var random = SeededRandom(seed: scene.seed)
    let width = random.integer(in: 256...320)
    let height = random.integer(in: 256...320)
    var canvas = Canvas.withBackdrop(width: width, height: height, random: &random)
    for _ in 0..<random.integer(in: 0...2) {
      let thing = try palette[random.pick(DemoPalette.scenery)]
        .turned(scale: random.number(in: 0.2...0.45), degrees: random.number(in: -20...20))
      canvas.lay(thing, centerX: random.integer(in: 0...width), centerY: random.integer(in: height / 4...height))
    }
    let size = random.number(in: 0.65...1.25)
    let subject = try palette[scene.emoji].turned(scale: size, degrees: random.number(in: -30...30))
    canvas.lay(
      subject, centerX: width / 2 + random.integer(in: -50...50), centerY: height / 2 + random.integer(in: -20...30))
    if random.chance(0.25) {
      let second = try palette[scene.emoji].turned(scale: size * 0.5, degrees: random.number(in: -40...40))
      canvas.lay(second, centerX: random.integer(in: 30...(width - 30)), centerY: height / 2 + 50)
    }
    // The words have a place of their own, so that twins with one picture differ in nothing but them.
    if !caption.setting.isEmpty { try canvas.letter(caption.setting, atTop: true) }
    try canvas.letter(caption.claim, atTop: false)
    return canvas.image
  }
}

extension Canvas {
  /// Writes a caption as image macros have it: white, bold, outlined in black, as large as fits in two or three lines.
  fileprivate mutating func letter(_ text: String, atTop: Bool) throws(ImageError) {
    let wide = width - 16
    // A bold letter is about three quarters of its size wide, and two lines are never quite full.
    let fitting = 2 * wide / max(1, text.count)
    let size = [30, 26, 23, 20, 18].first { $0 <= fitting } ?? 16
    let markup = "<span foreground=\"white\">\(text.escapedForMarkup)</span>"
    let letters = try Sprite.lettering(markup, font: "\(DemoPalette.letterFont) Bold \(size)", wrapWidth: wide)
      .outlined(radius: size >= 23 ? 3 : 2)
    lay(letters, centerX: width / 2, centerY: atTop ? 6 + letters.height / 2 : height - 6 - letters.height / 2)
  }
}

extension String {
  fileprivate var escapedForMarkup: String {
    replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
  }
}
