import Foundation

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// An element of a parsed page, with its text and children.
final class Element {
  let name: String
  let attributes: [String: String]
  var children: [Element] = []
  /// The text of the element and all below it.
  var text = ""

  init(name: String, attributes: [String: String]) {
    self.name = name
    self.attributes = attributes
  }

  /// The element and all below it.
  var all: [Element] { [self] + children.flatMap(\.all) }

  func all(_ name: String, class style: String? = nil) -> [Element] {
    all.filter { element in
      element.name == name
        && style.map { (element.attributes["class"] ?? "").split(separator: " ").contains(Substring($0)) } != false
    }
  }

  func number(_ attribute: String) -> Double { attributes[attribute].flatMap(Double.init) ?? .nan }
}

/// Why a text is not well-formed.
struct MalformedXML: Error {
  let line: Int
  let reason: String
}

/// Parses a page or an SVG, which both must be well-formed XML.
func parse(_ text: String) throws -> Element {
  let builder = TreeBuilder()
  let parser = XMLParser(data: Data(text.utf8))
  parser.delegate = builder
  guard parser.parse(), let root = builder.root else {
    throw MalformedXML(line: parser.lineNumber, reason: "\(parser.parserError as Any)")
  }
  return root
}

private final class TreeBuilder: NSObject, XMLParserDelegate {
  var root: Element?
  private var open: [Element] = []

  func parser(
    _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
    attributes: [String: String] = [:]
  ) {
    let element = Element(name: name, attributes: attributes)
    open.last?.children.append(element)
    if root == nil { root = element }
    open.append(element)
  }

  func parser(_ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?) {
    open.removeLast()
  }

  func parser(_ parser: XMLParser, foundCharacters text: String) {
    for element in open { element.text += text }
  }
}
