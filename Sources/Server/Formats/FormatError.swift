/// Why bytes of a request are not in the format that they claim.
struct FormatError: Error, Equatable, CustomStringConvertible {
  var description: String
  init(_ description: String) { self.description = description }
}
