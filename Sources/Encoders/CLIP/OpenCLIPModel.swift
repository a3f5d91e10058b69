import Foundation
import MemeData
import Torch

/// A CLIP as open_clip keeps it on the hub: `open_clip_config.json`, `vocab.json`, `merges.txt`, and the weights as
/// `open_clip_model.safetensors` or `open_clip_pytorch_model.bin`, under the names that OpenAI's code gave them.
struct OpenCLIPModel: TwoTowerModel {
  static let configurationName = "open_clip_config.json"

  let folder: HubFolder
  let configuration: OpenCLIPConfiguration
  let preparation: ImagePreparation
  private let weightFile: URL

  init(_ folder: HubFolder) throws(EncoderError) {
    self.folder = folder
    configuration = try folder.configuration(Self.configurationName)
    let side = configuration.imageSide
    var preparation = ImagePreparation.clip(
      side: side, framing: configuration.squashes ? .squash : .crop(shortestSide: side))
    preparation.mean = configuration.mean ?? preparation.mean
    preparation.deviation = configuration.deviation ?? preparation.deviation
    self.preparation = preparation
    guard let weights = HubFiles.openCLIPWeights.first(where: folder.has) else {
      throw .missingFiles(
        encoder: folder.url.lastPathComponent, files: [HubFiles.openCLIPWeights[0]], searched: [folder.url])
    }
    weightFile = folder.file(weights)
  }

  var imageWidths: Widths {
    switch configuration.vision {
    case .transformer: (configuration.clip.vision.shape.width, configuration.clip.embeddingWidth)
    case .residual(let network): (network.pooledWidth, network.embeddingWidth)
    }
  }
  var textWidths: Widths { (configuration.clip.text.shape.width, configuration.clip.embeddingWidth) }
  var files: [URL] { [weightFile, folder.file(Self.configurationName)] }
  var tokenizerFiles: [URL] { folder.clipTokenizerFiles }
  var textLength: Int { configuration.clip.text.positionCount }
  var tokenizerWords: String { "CLIP's BPE \(configuration.clip.text.positionCount)" }

  func imageTower(_ computation: Computation) throws -> any ImageTower {
    switch configuration.vision {
    case .transformer:
      try folder.network(of: [weightFile], computation, selecting: OpenCLIPNames.vision) {
        CLIPVision(configuration.clip, computation: $0, in: $1)
      }
    case .residual(let network):
      try folder.network(of: [weightFile], computation, selecting: HubFolder.below("visual.")) {
        ModifiedResNet(network, computation: $0, in: $1["visual"])
      }
    }
  }

  func textTower(_ computation: Computation) throws -> any TextTower {
    try folder.network(of: [weightFile], computation, selecting: OpenCLIPNames.text) {
      CLIPText(configuration.clip, computation: $0, in: $1)
    }
  }

  func tokenizer() throws -> @Sendable (String) -> [Int32] { try folder.clipTokenizer(for: configuration.clip) }
}

/// How the names of open_clip's tensors become those of Hugging Face's classes.
///
/// The two differ in names alone but for two things: a block's queries, keys and values are one tensor in open_clip, and the
/// last projections [D, E] are the other way around.
enum OpenCLIPNames {
  /// The tensors of a vision transformer.
  static func vision(_ weights: [String: Tensor]) -> [String: Tensor] {
    renamed(
      weights,
      whole: [
        "visual.class_embedding": "vision_model.embeddings.class_embedding",
        "visual.conv1.weight": "vision_model.embeddings.patch_embedding.weight",
        "visual.positional_embedding": "vision_model.embeddings.position_embedding.weight",
        "visual.ln_pre.weight": "vision_model.pre_layrnorm.weight",
        "visual.ln_pre.bias": "vision_model.pre_layrnorm.bias",
        "visual.ln_post.weight": "vision_model.post_layernorm.weight",
        "visual.ln_post.bias": "vision_model.post_layernorm.bias",
        "visual.proj": "visual_projection.weight",
      ], blocks: ("visual.transformer.resblocks.", "vision_model.encoder.layers."), all: "visual.")
  }

  /// The tensors of the text transformer: what is not of the other tower.
  static func text(_ weights: [String: Tensor]) -> [String: Tensor] {
    // The scale of the logits serves the training; older files keep the causal mask.
    let others = ["logit_scale", "logit_bias", "attn_mask"]
    return renamed(
      weights.filter { !$0.key.hasPrefix("visual.") && !others.contains($0.key) },
      whole: [
        "token_embedding.weight": "text_model.embeddings.token_embedding.weight",
        "positional_embedding": "text_model.embeddings.position_embedding.weight",
        "ln_final.weight": "text_model.final_layer_norm.weight",
        "ln_final.bias": "text_model.final_layer_norm.bias",
        "text_projection": "text_projection.weight",
      ], blocks: ("transformer.resblocks.", "text_model.encoder.layers."), all: "")
  }

  private static let turned: Set<String> = ["visual.proj", "text_projection"]
  private static let parts = [
    "ln_1": "layer_norm1", "ln_2": "layer_norm2", "attn.out_proj": "self_attn.out_proj", "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
  ]

  /// Names that are not known stay, so that they are named as such.
  private static func renamed(
    _ weights: [String: Tensor], whole: [String: String], blocks: (from: String, to: String), all prefix: String
  ) -> [String: Tensor] {
    var result: [String: Tensor] = [:]
    for (name, tensor) in weights where name.hasPrefix(prefix) {
      if let new = whole[name] {
        result[new] = turned.contains(name) && tensor.shape.count == 2 ? tensor.transposed() : tensor
      } else if name.hasPrefix(blocks.from) {
        let rest = name.dropFirst(blocks.from.count).split(separator: ".", maxSplits: 1)
        guard rest.count == 2 else {
          result[name] = tensor
          continue
        }
        for (part, value) in inBlock(String(rest[1]), tensor) { result["\(blocks.to)\(rest[0]).\(part)"] = value }
      } else {
        result[name] = tensor
      }
    }
    return result
  }

  /// What a tensor of a block is called there, three where it is queries, keys and values.
  private static func inBlock(_ name: String, _ tensor: Tensor) -> [(String, Tensor)] {
    if let kind = ["weight", "bias"].first(where: { name == "attn.in_proj_\($0)" }),
      let rows = tensor.shape.first, rows.isMultiple(of: 3)
    {
      let size = rows / 3
      return ["q", "k", "v"].enumerated().map { index, letter in
        ("self_attn.\(letter)_proj.\(kind)", tensor.sliced(index * size..<(index + 1) * size))
      }
    }
    let dot = name.lastIndex(of: ".") ?? name.endIndex
    guard let part = parts[String(name[..<dot])] else { return [(name, tensor)] }
    return [(part + name[dot...], tensor)]
  }
}
