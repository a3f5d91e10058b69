import Foundation

/// Which files of a model an encoder needs. All other names that a server lists are left alone.
enum HubFiles {
  static let weights = "model.safetensors"
  static let weightIndex = "model.safetensors.index.json"
  static let pickledWeights = "pytorch_model.bin"
  /// What open_clip keeps weights in, the best form first.
  static let openCLIPWeights = ["open_clip_model.safetensors", "open_clip_pytorch_model.bin"]
  private static let descriptions: Set<String> = [
    "config.json", "preprocessor_config.json", "vocab.json", "merges.txt", "vocab.txt", "tokenizer.json",
    "tokenizer_config.json", "special_tokens_map.json", "spiece.model", "sentencepiece.bpe.model",
    OpenCLIPModel.configurationName, "1_Pooling/config.json", "modules.json", "sentence_bert_config.json",
  ]

  /// The small files among those listed, sorted.
  static func descriptions(in listed: Set<String>) -> [String] { descriptions.intersection(listed).sorted() }

  /// The file with the weights, or the one that names their shards, the best form first.
  ///
  /// - Parameter isOpenCLIP: Whether open_clip describes the network; other weights beside it may be of half of it.
  static func weights(in listed: Set<String>, isOpenCLIP: Bool) -> String? {
    (isOpenCLIP ? openCLIPWeights : [weights, weightIndex, pickledWeights]).first(where: listed.contains)
  }

  /// The files that an index of weights names, sorted; `nil` unless it is one, with names that stay in their folder.
  static func shards(of index: Data) -> [String]? {
    struct Index: Decodable {
      var weightMap: [String: String]
      enum CodingKeys: String, CodingKey { case weightMap = "weight_map" }
    }
    guard let map = try? JSONDecoder().decode(Index.self, from: index).weightMap else { return nil }
    let names = Set(map.values)
    guard !names.isEmpty, names.allSatisfy({ HubCache.isSafe($0) && $0.hasSuffix(".safetensors") }) else { return nil }
    return names.sorted()
  }
}
