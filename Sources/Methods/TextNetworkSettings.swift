import Encoders
import Networks
import Torch
import TorchNN

/// A network for texts that is trained whole and what it starts from, as recipes say it, all keys side by side.
public struct TextNetworkSettings: Codable, Sendable, Equatable {
  public var architecture = TextArchitecture()
  /// A model of the hub (`distilbert/distilbert-base-uncased`) or a file of one's weights, for BERT also `lite`; the run of a
  /// pretraining that has a network for texts; or `random`.
  public var weights = InitialWeights.random

  public init() {}

  private enum CodingKeys: String, CodingKey {
    case weights
  }

  public init(from decoder: any Decoder) throws {
    architecture = try TextArchitecture(from: decoder)
    weights = try decoder.container(keyedBy: CodingKeys.self).decode(InitialWeights.self, forKey: .weights)
  }

  public func encode(to encoder: any Encoder) throws {
    try architecture.encode(to: encoder)
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(weights, forKey: .weights)
  }

  /// Starts from a run where that has a network for texts of these sizes beside each of the backbones.
  mutating func start(
    from networks: [PretrainedDescription.Network], beside backbones: [Backbone], of run: InitialWeights
  ) {
    let wanted = architecture
    let fits = backbones.allSatisfy { backbone in
      guard var found = networks.first(where: { $0.backbone == backbone })?.text else { return false }
      // Neither changes what the weights are.
      (found.dropoutRate, found.textLength) = (wanted.dropoutRate, wanted.textLength)
      return found == wanted
    }
    if fits { weights = run }
  }

  /// What the network starts from, by its own paths; nothing for random weights.
  ///
  /// - Parameter backbone: Of the network for pictures beside it, which tells those of a run apart.
  func initialValues(beside backbone: Backbone? = nil) throws -> [String: Tensor] {
    guard let model = weights.model else { return [:] }
    let weights: [String: Tensor]
    if let run = PretrainedRunName(model) {
      weights = try run.textWeights(beside: backbone)
    } else {
      let found =
        switch architecture.family {
        case .distilBert: try PretrainedWeights.distilBert(of: model)
        case .bert: try PretrainedWeights.bert(of: model, headPrefix: "bert.").filter { !$0.key.hasPrefix("pooler.") }
        }
      // A shallower network takes the first layers.
      weights = found.keepingLayers(architecture.layerCounts)
    }
    try PretrainedWeights.requireFit(weights, of: model) { _ = architecture.network(in: $0) }
    return weights
  }

  /// Ids between those of special tokens and of words that BERT's uncased vocabulary leaves unused: no text has them. Other
  /// vocabularies, such as the smaller cased one, have commas, digits or letters there.
  private static let unusedIDs: [ClosedRange<Int32>] = [1...99, 104...998]

  /// Why the network cannot read what a tokenizer made of texts; `nil` where it can. Trained weights know BERT's uncased words;
  /// random ones learn any, as long as there are no more.
  ///
  /// - Parameters:
  ///   - tokenizer: What to call it.
  ///   - remedy: What to take instead.
  func refusal(of features: FeatureTable, by tokenizer: String, remedy: String) -> String? {
    let largest = features.largestID
    var stray = largest < TextArchitecture.vocabularySize ? nil : largest
    if stray == nil, weights.model != nil {
      let unused = features.requestedIDs.lazy.joined().first { id in Self.unusedIDs.contains { $0.contains(id) } }
      stray = unused.map { Int($0) }
    }
    return stray.map { id in
      "\(tokenizer) gives the id \(id), which is none of BERT's \(TextArchitecture.vocabularySize) uncased words, and the "
        + "network for texts knows those; take \(remedy)"
    }
  }

  /// Throws where the texts of a pretraining were read by a tokenizer whose words the network does not know.
  func requireKnownTokens(of features: FeatureTable) throws {
    let reason = refusal(of: features, by: "the tokenizer of text_encoder", remedy: "text_encoder: lite")
    if let reason { throw MethodError(reason) }
  }

  func tokens(_ features: FeatureTable, _ rows: [Int], on device: Device) -> TokenBatch {
    TokenBatch(
      rows.map { features.requestedIDs[$0] }, limit: architecture.textLength,
      vocabularySize: TextArchitecture.vocabularySize, device: device)
  }

  /// The states of the first tokens of memes' texts [N, X]; those of memes without a text are of no use.
  func firstStates(
    _ network: any TextNetwork, _ features: FeatureTable, _ rows: [Int], using generator: Generator?
  ) -> Tensor {
    let tokens = tokens(features, rows, on: network.device)
    return network(tokens.ids, isPresent: tokens.isPresent, using: generator).selected(0, along: 1)
  }

  func check(_ check: inout SettingsCheck, _ name: String) {
    let fault = architecture.fault
    check.require(fault == nil, "\(name).\(fault ?? "")")
  }
}
