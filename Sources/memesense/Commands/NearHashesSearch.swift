import ArgumentParser
import Audit
import Foundation
import MemeData

extension DataCommand {
  /// `memesense data near-hashes`: the search of `data audit` on hashes from elsewhere; Benchmarks/audit times it.
  struct NearHashesSearch: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "near-hashes",
      abstract: "Find the near duplicates among PDQ hashes of a file, 64 hexadecimal digits a line.",
      discussion:
        "Prints one JSON object; its pairs are line numbers from 1 of different hashes. Equal lines count as one.",
      shouldDisplay: false)

    @Argument(help: "A file of hashes.", completion: .file())
    var file: String

    @Option(help: "Bits that may differ, 0 to 31.")
    var distance = PDQHash.nearDistance

    @Option(help: "List at most as many pairs; the count is of all.")
    var pairLimit = 100_000

    private struct Pair: Encodable {
      var lines: [Int]
      var distance: Int
    }

    private struct Result: Encodable {
      var hashes: Int
      var different: Int
      /// Of the search alone, reading left out.
      var seconds: Double
      var pairCount: Int
      var pairs: [Pair]

      enum CodingKeys: String, CodingKey {
        case hashes, different, seconds, pairs
        case pairCount = "pair_count"
      }
    }

    func validate() throws {
      guard (0...PDQHash.nearDistance).contains(distance) else {
        throw ValidationError("--distance is 0 to \(PDQHash.nearDistance).")
      }
    }

    func run() throws {
      let (lines, hashes) = try Self.hashes(in: file)
      let clock = ContinuousClock()
      let start = clock.now
      let groups = HashGroups(hashes)
      var firstLines = [Int](repeating: 0, count: groups.hashes.count)
      for (index, group) in groups.groups.enumerated().reversed() { firstLines[Int(group)] = lines[index] }
      var (count, pairs): (Int, [Pair]) = (0, [])
      NearHashes.forEachPair(in: groups.hashes, within: distance) { found in
        count += found.count
        pairs += found.prefix(max(0, pairLimit - pairs.count)).map {
          Pair(lines: [firstLines[$0.first], firstLines[$0.second]].sorted(), distance: $0.distance)
        }
      }
      let seconds = (clock.now - start) / .seconds(1)
      pairs.sort { ($0.distance, $0.lines[0], $0.lines[1]) < ($1.distance, $1.lines[0], $1.lines[1]) }
      try Console.printJSON(
        Result(
          hashes: hashes.count, different: groups.hashes.count, seconds: seconds, pairCount: count, pairs: pairs))
    }

    /// The hashes with the lines that they stand on; blank lines count and have none.
    private static func hashes(in file: String) throws -> (lines: [Int], hashes: [PDQHash]) {
      guard let data = FileManager.default.contents(atPath: file) else {
        throw DatasetError.notFound(URL(fileURLWithPath: file))
      }
      var (lines, hashes): ([Int], [PDQHash]) = ([], [])
      for (number, bytes) in data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
        let line = bytes.last == UInt8(ascii: "\r") ? bytes.dropLast() : bytes
        if line.isEmpty { continue }
        guard let hash = PDQHash(hexadecimal: String(decoding: line, as: UTF8.self)) else {
          throw DatasetError.badRows([
            RowProblem(file: file, line: number + 1, message: "no PDQ hash; expected 64 hexadecimal digits")
          ])
        }
        lines.append(number + 1)
        hashes.append(hash)
      }
      return (lines, hashes)
    }
  }
}
