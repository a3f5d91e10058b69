import Foundation

/// The folder that `generate.py` wrote.
let fixtures = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .appending(path: "Fixtures")

/// Decodes a fixture; a missing one fails the test.
func decodeFixture<Value: Decodable>(_ name: String) throws -> Value {
  try JSONDecoder().decode(Value.self, from: Data(contentsOf: fixtures.appending(path: name)))
}
