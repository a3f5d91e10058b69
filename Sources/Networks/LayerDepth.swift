/// How deep parameters lie in a network of layers, by their keys: 0 for what makes tokens of words and pictures, 1 and on
/// for the layers, one more than those for what follows them.
public protocol LayeredShape {
  /// Layers that one after the other lie between the tokens and what follows.
  var depth: Int { get }

  /// How many layers there are below a path of keys, such as `encoder.layer.`.
  var layerCounts: [String: Int] { get }

  /// The depth of a parameter by its key in the network.
  func depth(of key: String) -> Int
}

extension LayeredShape {
  /// The number behind `prefix` in a key.
  func number(in key: String, after prefix: String) -> Int? {
    guard key.hasPrefix(prefix) else { return nil }
    return Int(key.dropFirst(prefix.count).prefix { $0 != "." })
  }
}

extension BertShape: LayeredShape {
  public var depth: Int { layerCount }

  public var layerCounts: [String: Int] { ["encoder.layer.": layerCount] }

  public func depth(of key: String) -> Int {
    if key.hasPrefix("embeddings.") { return 0 }
    return number(in: key, after: "encoder.layer.").map { $0 + 1 } ?? layerCount + 1
  }
}

extension ViLTShape: LayeredShape {
  public var depth: Int { layerCount }

  public var layerCounts: [String: Int] { ["encoder.layer.": layerCount] }

  public func depth(of key: String) -> Int {
    if key.hasPrefix("embeddings.") { return 0 }
    return number(in: key, after: "encoder.layer.").map { $0 + 1 } ?? layerCount + 1
  }
}

extension LXMERTShape: LayeredShape {
  /// The longer of the two streams, then the layers of both.
  public var depth: Int { longest + crossLayerCount }

  public var layerCounts: [String: Int] {
    [
      "encoder.layer.": textLayerCount, "encoder.r_layers.": regionLayerCount, "encoder.x_layers.": crossLayerCount,
    ]
  }

  private var longest: Int { max(textLayerCount, regionLayerCount) }

  /// The streams end at the same depth.
  public func depth(of key: String) -> Int {
    if key.hasPrefix("embeddings.") || key.hasPrefix("encoder.visn_fc.") { return 0 }
    if let layer = number(in: key, after: "encoder.layer.") { return longest - textLayerCount + layer + 1 }
    if let layer = number(in: key, after: "encoder.r_layers.") { return longest - regionLayerCount + layer + 1 }
    return number(in: key, after: "encoder.x_layers.").map { longest + $0 + 1 } ?? depth + 1
  }
}
