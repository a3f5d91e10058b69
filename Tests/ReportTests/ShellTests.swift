import Foundation
import Testing

@testable import Report

/// Commands on pages mean to a shell what they say.
struct ShellTests {
  @Test func plainWordsStayAsTheyAre() {
    #expect("runs/a-b_1.yaml".shellQuoted == "runs/a-b_1.yaml")
    #expect(["memesense", "--data", "harmeme=/data/harmeme"].shellCommand == "memesense --data harmeme=/data/harmeme")
    #expect("linear probe".shellQuoted == "'linear probe'" && "".shellQuoted == "''")
  }

  @Test func aShellTakesEachWordAsItWas() throws {
    let words = [
      "linear probe", "bob's memes/a b", "seeds=[42,43]", "~/x", "$HOME `id` \"q\" \\", "*", "'", "'\u{301}",
      "a;b&c|d>e<f", "two\nlines", "", "-n", "Größe", "#no !comment",
    ]
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", (["printf", #"%s\000"#] + words).shellCommand]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let data = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    let seen = data.split(separator: 0, omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) }
    #expect(seen == words + [""])
  }
}
