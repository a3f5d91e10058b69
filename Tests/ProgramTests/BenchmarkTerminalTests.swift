import Foundation
import Testing

/// The table that `memesense benchmark` fills on a terminal, read off a screen.
@Suite(.serialized) struct BenchmarkTerminalTests {
  let program: Program
  init() throws { program = try WholeWayTests.demo.get().program }

  /// Runs a suite of four methods on a terminal of that size, which `script` of util-linux makes.
  private func run(rows: Int, columns: Int, _ output: String) throws -> TerminalScreen {
    let methods = (1...4).map {
      "  - {name: concat \($0), recipe: concat, set: [settings.training.epochs=\($0 * 30)]}"
    }
    let suite = """
      title: Small
      datasets:
        - {name: drawn, task: mean}
      methods:
      \(methods.joined(separator: "\n"))
      encoders: [lite]
      labels: [0.2]
      seeds: [42]
      metrics: [auroc]
      published: []
      """
    let file = try program.write(suite, to: "terminal.yaml")
    let process = program.process([
      "-qec",
      "stty rows \(rows) cols \(columns); exec '\(Program.executable.path)' benchmark '\(file)' "
        + "--data drawn=demo/corpus-240 --output '\(output)' --jobs 1",
      "/dev/null",
    ])
    process.executableURL = URL(fileURLWithPath: "/usr/bin/script")
    let seen = program.home.appending(path: "\(output).terminal")
    FileManager.default.createFile(atPath: seen.path, contents: nil)
    process.standardOutput = try FileHandle(forWritingTo: seen)
    process.standardInput = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    var screen = TerminalScreen(rows: rows, columns: columns)
    screen.write(String(decoding: try Data(contentsOf: seen), as: UTF8.self))
    #expect(process.terminationStatus == 0, "\((screen.scrolled + screen.lines).joined(separator: "\n"))")
    return screen
  }

  /// How many of the four cells a frame calls finished; `nil` where it shows no such line.
  private func finished(_ frame: [String]) -> Int? {
    frame.compactMap { $0.firstMatch(of: /(\d)\/4 cells/)?.1 }.last.flatMap { Int($0) }
  }

  @Test func theTableFillsAndGoes() throws {
    let screen = try run(rows: 30, columns: 90, "wide-terminal")
    #expect(screen.strays.isEmpty)
    let frames = screen.frames.filter { finished($0) != nil }
    #expect(frames.count > 3 && frames.compactMap(finished) == frames.compactMap(finished).sorted())
    #expect(frames.first.flatMap(finished) == 0 && frames.last.flatMap(finished) == 3)
    let last = try #require(frames.last)
    for text in ["drawn · mean, auroc", "20 %", "  now  concat 4, 20 %, seed 42", "left"] {
      #expect(last.contains { $0.contains(text) }, "\(text) is missing of \(last.joined(separator: "\n"))")
    }
    // Each finished method has its score, the one under way has none yet.
    func row(_ name: String) -> String? { last.first { $0.hasPrefix(name) } }
    for name in ["concat 1", "concat 2", "concat 3"] { #expect(row(name)?.contains("0.") == true, "\(name)") }
    #expect(row("concat 4")?.contains("0.") == false)
    // What stays is what was asked for.
    let kept = screen.scrolled + screen.lines
    #expect(!kept.contains { $0.contains("cells") && $0.contains("█") } && !kept.contains { $0.hasPrefix("  now") })
    #expect(kept.contains { $0.contains("concat 4") && $0.contains("0.") })
  }

  @Test func aSmallTerminalShowsTheHeadAndWhatIsUnderWay() throws {
    let screen = try run(rows: 8, columns: 40, "small-terminal")
    let frames = screen.frames.filter { finished($0) != nil }
    #expect(frames.count > 3)
    for frame in frames {
      #expect(frame.contains { $0.hasPrefix("drawn · mean") } && frame.contains { $0.hasPrefix("  now") })
    }
    // Nothing that was to be taken back has scrolled out of reach.
    #expect(!screen.scrolled.contains { $0.hasPrefix("  now") || $0.contains("/4 cells") })
  }
}
