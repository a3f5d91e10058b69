import Checkpoints
import Foundation
import Testing
import Torch
import TorchNN

@testable import Encoders

/// Tiny CLIPs under open_clip's names against networks written after the paper; 1e-4 of the largest element is allowed.
@Suite struct OpenCLIPTests {
  /// A folder as timm keeps open_clip's models: with a `config.json` of another kind and weights of half the network.
  private func folder(_ name: String) throws -> HubFolderFixture {
    let hub = try HubFolderFixture(name, of: "open_clip")
    try hub.write(hub.fixture.text("\(name).config"), to: "open_clip_config.json")
    try hub.write(#"{"architecture": "vit_base_patch32_clip_224", "num_classes": 512}"#, to: "config.json")
    try FileManager.default.moveItem(at: hub.file("model.safetensors"), to: hub.file("open_clip_model.safetensors"))
    try hub.write("weights of timm", to: "model.safetensors")
    return hub
  }

  // "vit": a transformer, the exact GELU; "resnet": the residual network, QuickGELU.
  @Test(arguments: ["vit", "resnet"], [true, false])
  func towersEqualTheirDescription(name: String, isFused: Bool) throws {
    try folder(name).expectTowers(name, isFused: isFused) { "\(name).image.\($0)" }
  }

  @Test(arguments: ["vit", "resnet"]) func bfloat16StaysNearFloat32(name: String) throws {
    try folder(name).expectBFloat16(name, image: "\(name).image.projected")
  }

  /// OpenAI's RN50 has 102,007,137 parameters, the scale of the logits among them.
  @Test func parametersAreAsMany() {
    func count(_ make: (Computation, Scope) -> Void) -> Int {
      let store = ParameterStore(uninitializedOn: .meta)
      make(Computation(device: .meta, precision: .float32), store.root)
      return store.parameterCount
    }
    var configuration = CLIPConfiguration()
    configuration.embeddingWidth = 1024
    let vision = count { _ = ModifiedResNet(.rn50, computation: $0, in: $1) }
    let text = count { _ = CLIPText(configuration, computation: $0, in: $1) }
    #expect(vision == 38_316_896)
    #expect(text == 63_690_240)
    #expect(vision + text + 1 == 102_007_137)
  }

  @Test func publishedConfigurationsAreRead() throws {
    func configuration(_ text: String) throws -> OpenCLIPConfiguration {
      try JSONDecoder().decode(OpenCLIPConfiguration.self, from: Data(text.utf8))
    }
    let text = #""text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 512, "heads": 8, "layers": 12}"#
    let residual = try configuration(
      #"""
      {"model_cfg": {"embed_dim": 1024, "quick_gelu": true, \#(text),
                     "vision_cfg": {"image_size": 224, "layers": [3, 4, 6, 3], "width": 64, "patch_size": null}},
       "preprocess_cfg": {"mean": [0.48145466, 0.4578275, 0.40821073], "std": [0.26862954, 0.26130258, 0.27577711]}}
      """#)
    #expect(residual.vision == .residual(.rn50) && residual.fault == nil)
    #expect(residual.clip.text.shape == CLIPConfiguration.viTB32.text.shape)
    let transformer = try configuration(
      #"""
      {"model_cfg": {"embed_dim": 512, \#(text),
                     "vision_cfg": {"image_size": 224, "layers": 12, "width": 768, "patch_size": 32}}}
      """#)
    var expected = CLIPConfiguration.viTB32
    (expected.vision.shape.activation, expected.text.shape.activation, expected.endID) = (.gelu, .gelu, 2)
    #expect(transformer.vision == .transformer && transformer.clip == expected)
    #expect(transformer.mean == nil && !transformer.squashes)
  }

  @Test func preprocessingIsThatOfTheConfiguration() throws {
    let hub = try folder("vit")
    let clip = ImagePreparation.clip(side: 24, framing: .crop(shortestSide: 24))
    #expect(try OpenCLIPModel(HubFolder(url: hub.url)).preparation == clip)
    try hub.replace(
      #""mean": ["#, with: #""resize_mode": "squash", "interpolation": "bicubic", "mean": ["#, in: Self.config)
    #expect(try OpenCLIPModel(HubFolder(url: hub.url)).preparation == clip.squashing)
  }

  private static let config = "open_clip_config.json"

  @Test(arguments: [
    (#""layers": 2,"#, #""layers": 2, "ls_init_value": 0.1,"#, "ls_init_value is not known"),
    (#""vision_cfg": {"#, #""vision_cfg": {"timm_model_name": "x", "#, "timm_model_name"),
    (#""text_cfg": {"#, #""text_cfg": {"hf_model_name": "x", "#, "hf_model_name"),
    (#""embed_dim": 12"#, #""embed_dim": 12, "custom_text": true"#, "custom_text"),
    (#""embed_dim": 12"#, #""embed_dim": 0"#, "projection_dim"),
    (#""head_width": 8"#, #""head_width": 0"#, "head_width"),
    (#""head_width": 8"#, #""head_width": 5"#, "num_attention_heads"),
    (#""mlp_ratio": 2.5"#, #""mlp_ratio": 1e30"#, "mlp_ratio"),
    (#""mean": ["#, #""interpolation": "bilinear", "mean": ["#, "interpolation"),
    (#""mean": ["#, #""resize_mode": "longest", "mean": ["#, "resize_mode"),
    (#""mean": ["#, #""mean": [0.5, "#, "3 numbers"),
  ]) func faultsOfTheConfigurationAreNamed(old: String, new: String, reason: String) throws {
    let hub = try folder("vit")
    try hub.replace(old, with: new, in: Self.config)
    let error = try #require(throws: EncoderError.self) { try hub.pair() }
    #expect(error.description.contains(Self.config) && error.description.contains(reason), "\(error)")
  }

  @Test(arguments: [
    (#""image_size": 64"#, #""image_size": 65"#, "multiple of 32"),
    (#""width": 2,"#, #""width": 3,"#, "even"),
    (#""head_width": 16"#, #""head_width": 60000"#, "multiple of head_width"),
    (#""layers": ["#, #""layers": [7, "#, "4 numbers"),
  ]) func faultsOfTheResidualNetworkAreNamed(old: String, new: String, reason: String) throws {
    let hub = try folder("resnet")
    try hub.replace(old, with: new, in: Self.config)
    let error = try #require(throws: EncoderError.self) { try hub.pair() }
    #expect(error.description.contains(Self.config) && error.description.contains(reason), "\(error)")
  }

  @Test func weightsThatAreMissingOrUnknownAreNamed() throws {
    let hub = try folder("vit")
    var weights = hub.fixture.group("vit.weights.")
    weights["visual.transformer.resblocks.1.attn.in_proj_bias"] = nil
    weights["visual.transformer.resblocks.2.ln_1.weight"] = Tensor.zeros([16])
    weights["visual.head.weight"] = Tensor.zeros([16])
    weights["transformer.resblocks.0.ls_1.gamma"] = Tensor.zeros([16])
    try Checkpoint(tensors: weights).write(to: hub.file("open_clip_model.safetensors"))
    let images = try #require(throws: EncoderError.self) { try hub.pair().image }.description
    #expect(images.contains("open_clip_model.safetensors"))
    for name in ["layers.1.self_attn.k_proj.bias", "layers.2.layer_norm1.weight", "visual.head.weight"] {
      #expect(images.contains(name), "\(images)")
    }
    let texts = try #require(throws: EncoderError.self) { try hub.pair().text }.description
    #expect(texts.contains("ls_1.gamma"), "\(texts)")
  }

  @Test func aFolderWithoutWeightsIsNamed() throws {
    let hub = try folder("vit")
    try FileManager.default.removeItem(at: hub.file("open_clip_model.safetensors"))
    let error = try #require(throws: EncoderError.self) { try hub.pair() }
    #expect(error.description.contains("open_clip_model.safetensors"), "\(error)")
  }

  /// A `config.json` of transformers goes before what open_clip has.
  @Test func theHubsOwnLayoutGoesFirst() throws {
    let hub = try HubFolderFixture("clip")
    try hub.write(#"{"model_cfg": {}}"#, to: Self.config)
    #expect(try HubFolder(url: hub.url).model() is CLIPModel)
  }

  /// OpenAI's own `.pt` files are programs (TorchScript); they are not run.
  @Test func torchScriptIsRefusedWithAPointerToSafetensors() throws {
    let hub = try folder("resnet")
    try FileManager.default.removeItem(at: hub.file("open_clip_model.safetensors"))
    let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "CheckpointsTests/Fixtures/torchscript.pt")
    try FileManager.default.copyItem(at: script, to: hub.file("open_clip_pytorch_model.bin"))
    let error = try #require(throws: (any Error).self) { try hub.pair().image }
    #expect("\(error)".contains("TorchScript") && "\(error)".contains("safetensors"), "\(error)")
  }
}
