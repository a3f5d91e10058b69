import Encoders
import MemeData
import TestSupport
import Testing
import Torch
import TorchNN

@testable import Methods

/// Hate-CLIPper and SimCLIP against the same networks written out in PyTorch: logits and gradients elementwise (1e-5), the
/// losses of 20 steps of AdamW from the same weights (1e-4), and the published parameter counts to the unit.
@Suite struct FusionTests {
  let fixture: Fixture
  init() throws { fixture = try Fixture("methods") }

  private static func shape(_ image: Int, _ text: Int, _ kind: LabelTask.Kind = .binary, labels: Int = 1)
    -> ProblemShape
  {
    ProblemShape(
      imageWidth: image, textWidth: text,
      task: LabelTask(name: "t", kind: kind, labels: (0..<labels).map { "label \($0)" }))
  }

  /// The number of trained parameters, counted without memory for them.
  private func count(_ method: some Methods.Method, _ shape: ProblemShape) -> Int {
    let store = ParameterStore(uninitializedOn: .meta)
    _ = method.model(for: shape, in: store.root)
    return store.parameterCount
  }

  private func follow(
    _ name: String, _ parameters: [String: Tensor], clip: Double, logits: () -> Tensor, loss: (Tensor) -> Tensor
  ) {
    let optimizer = Optimizer(
      Array(parameters.values), rule: .adam(decoupled: true), learningRate: 1e-3, weightDecay: 1e-4)
    for (step, expected) in fixture["\(name).losses"].doubles.enumerated() {
      let z = logits()
      let value = loss(z)
      value.backward()
      if step == 0 {
        #expect(difference(z, fixture["\(name).logits"]) < 1e-5, "\(name)")
        for (path, parameter) in parameters {
          #expect(difference(parameter.grad!, fixture["\(name).gradient.\(path)"]) < 1e-5, "\(name).\(path)")
        }
      }
      if clip > 0 { optimizer.clipGradients(toNorm: clip) }
      optimizer.step()
      #expect(abs(value.item - expected) < 1e-4, "\(name), step \(step): \(value.item), \(expected)")
    }
  }

  @Test(arguments: HateCLIPper.Fusion.allCases)
  func hateCLIPperMatchesPyTorch(_ fusion: HateCLIPper.Fusion) throws {
    var method = HateCLIPper()
    method.network.fusion = fusion
    (method.network.mapWidth, method.network.mapDepth) = (5, 2)
    (method.network.preOutputWidth, method.network.preOutputDepth) = (7, 2)
    let name = "hate_clipper.\(fusion.rawValue)"
    let (model, parameters) = try fixture.loaded(method, name, Self.shape(6, 4))
    #expect(model.parameters.count == parameters.count)
    let features = PreparedFeatures(image: fixture["fusion.image"], text: fixture["fusion.text"])
    follow(name, parameters, clip: 0.1) {
      model.logits(features)
    } loss: {
      Loss.binaryCrossEntropy(logits: $0, targets: fixture["fusion.yes"])
    }
  }

  @Test func hateCLIPperHasThePublishedParameterCounts() {
    let published: [(HateCLIPper.Fusion, [Int: Int])] = [
      (.align, [1: 2_887_681, 3: 4_986_881, 5: 7_086_081, 7: 9_185_281]),
      (.concat, [1: 3_936_257, 3: 6_035_457, 5: 8_134_657, 7: 10_233_857]),
      (.cross, [1: 1_075_580_929, 3: 1_077_680_129]),
    ]
    for (fusion, counts) in published {
      for (depth, expected) in counts {
        var method = HateCLIPper()
        method.network.fusion = fusion
        method.network.preOutputDepth = depth
        #expect(count(method, Self.shape(1024, 768)) == expected, "\(fusion) \(depth)")
      }
    }
    var narrow = HateCLIPper()
    narrow.network.fusion = .cross
    (narrow.network.mapWidth, narrow.network.preOutputWidth) = (32, 32)
    #expect(count(narrow, Self.shape(1024, 768)) == 90_241)
  }

  /// Wider than what stands in memory at once: the parts add up to the whole, and every part has its gradient.
  @Test func theOuterProductInPartsEqualsTheWhole() {
    var method = HateCLIPper()
    method.network.fusion = .cross
    (method.network.mapWidth, method.network.preOutputWidth) = (300, 3)
    let store = ParameterStore(initializingFrom: Generator(seed: 5))
    let model = method.model(for: Self.shape(6, 4), in: store.root)
    let generator = Generator(seed: 6)
    let (image, text) = (Tensor(empty: [2, 300]), Tensor(empty: [2, 300]))
    image.fillNormal(using: generator)
    text.fillNormal(using: generator)
    let (weight, bias) = (store.values["head.pre_output.0.weight"]!, store.values["head.pre_output.0.bias"]!)
    let whole = (image.expanded(at: 2) * text.expanded(at: 1)).reshaped(to: [2, 90_000])
      .linear(weight: weight, bias: bias).relu()
      .linear(weight: store.values["head.output.weight"]!, bias: store.values["head.output.bias"]!)
    whole.sum().backward()
    let expected = weight.grad!.copied()
    weight.setGrad(nil)
    let parts = model.head(image: image, text: text, using: nil)
    parts.sum().backward()
    #expect(difference(parts, whole) < 1e-4)
    #expect(difference(weight.grad!, expected) < 1e-4)
    #expect(expected.doubles.contains { $0 != 0 })
  }

  @Test(arguments: [
    ("binary", true, LabelTask.Kind.binary, 1), ("classes", false, .multiclass, 3), ("labels", true, .multilabel, 3),
  ])
  func simCLIPMatchesPyTorch(_ kind: String, _ isSiamese: Bool, _ task: LabelTask.Kind, _ labels: Int) throws {
    var method = SimCLIP()
    method.network.isSiamese = isSiamese
    method.network.projectionWidth = 2
    let name = "simclip.\(kind)"
    let shape = Self.shape(6, isSiamese ? 6 : 4, task, labels: labels)
    let (model, parameters) = try fixture.loaded(method, name, shape)
    #expect(model.parameters.count == parameters.count)
    let text = isSiamese ? fixture["\(name).text"] : fixture["fusion.text"]
    let features = PreparedFeatures(image: fixture["fusion.image"], text: text)
    let targets = Targets(try self.labels(kind), task: shape.task)
    let loss = method.classWeights.loss(for: targets)
    follow(name, parameters, clip: 0) {
      model.logits(features)[0]
    } loss: {
      loss($0, Tensor(Array(0..<12)))
    }
  }

  /// Two tasks with a projection in common; the second has labels for some memes alone.
  @Test func severalTasksOfSimCLIPMatchPyTorch() throws {
    var method = SimCLIP()
    method.network.projectionWidth = 2
    let classes = LabelTask(name: "kinds", kind: .multiclass, labels: ["a", "b", "c"])
    let binary = LabelTask(name: "yes", kind: .binary, labels: ["yes"])
    let known = fixture["simclip.tasks.known"].doubles.map { $0 > 0 }
    let yes = try labels("binary").enumerated().map { known[$0] ? $1 : nil }
    let text = fixture["simclip.tasks.text"]
    func block(_ values: Tensor) -> FeatureBlock {
      FeatureBlock(values: values, isPresent: [Bool](repeating: true, count: 12))
    }
    let problem = Problem(
      features: FeatureTable(image: block(fixture["fusion.image"]), text: block(text)), labelled: Array(0..<12),
      labels: try labels("classes"), unlabelled: [], labelRatio: 1, task: classes,
      further: [TaskLabels(task: binary, labels: yes)], seed: 0)
    let (model, parameters) = try fixture.loaded(method, "simclip.tasks", problem.shape)
    #expect(model.parameters.count == parameters.count)
    let features = PreparedFeatures(image: fixture["fusion.image"], text: text)
    let loss = method.loss(of: problem)
    follow("simclip.tasks", parameters, clip: 0) {
      .concatenated(model.logits(features), along: 1)
    } loss: {
      loss([$0.sliced(0..<3, along: 1), $0.sliced(3..<4, along: 1)], Tensor(Array(0..<12)))
    }
    // A batch without any label of the second task is a batch of the first.
    let rows = Tensor(known.indices.filter { !known[$0] })
    let logits = model.logits(features).map { $0.gathered(rows) }
    let alone = method.classWeights.loss(for: Targets(try labels("classes"), task: classes))(logits[0], rows)
    #expect(loss(logits, rows).item == alone.item)
    // Probabilities stand side by side: three that add up to 1, then one.
    let probabilities = model.probabilities(of: problem.features)
    #expect(probabilities.shape == [12, 4])
    #expect(difference(probabilities.sliced(0..<3, along: 1), model.logits(features)[0].softmax()) < 1e-6)
    #expect(difference(probabilities.sliced(3..<4, along: 1), model.logits(features)[1].sigmoid()) < 1e-6)
  }

  @Test func otherMethodsRefuseASecondTask() {
    let features = FeatureTable(
      image: FeatureBlock(values: Tensor.zeros([2, 6]), isPresent: [true, true]),
      text: FeatureBlock(values: Tensor.zeros([2, 6]), isPresent: [true, true]))
    func problem(_ second: [Label?]) -> Problem {
      Problem(
        features: features, labelled: [0, 1], labels: [.binary(true), .binary(false)], unlabelled: [], labelRatio: 1,
        task: Self.shape(6, 6).task,
        further: [TaskLabels(task: LabelTask(name: "second", kind: .binary, labels: ["x"]), labels: second)], seed: 0)
    }
    let labelled = problem([.binary(true), nil])
    #expect { try HateCLIPper().check(labelled) } throws: {
      "\($0)".contains("'second'") && "\($0)".contains("simclip")
    }
    #expect(throws: Never.self) { try SimCLIP().check(labelled) }
    #expect { try SimCLIP().check(problem([nil, nil])) } throws: { "\($0)".contains("'second'") }
  }

  private func labels(_ kind: String) throws -> [Label] {
    switch kind {
    case "binary": fixture["fusion.yes"].doubles.map { .binary($0 > 0) }
    case "classes": fixture["fusion.kinds"].doubles.map { .multiclass(Int($0)) }
    default: (0..<12).map { .multilabel(fixture["fusion.several"].selected($0).doubles.map { $0 > 0 }) }
    }
  }

  @Test func bertResNet18MatchesPyTorch() throws {
    var method = BertResNet18()
    (method.network.pathWidth, method.network.fusedWidth) = (5, 7)
    let shape = Self.shape(6, 4, .multiclass, labels: 3)
    let (model, parameters) = try fixture.loaded(method, "bert_resnet18", shape)
    #expect(model.parameters.count == parameters.count)
    let features = PreparedFeatures(image: fixture["fusion.image"], text: fixture["fusion.text"])
    let loss = method.classWeights.loss(for: Targets(try labels("classes"), task: shape.task))
    follow("bert_resnet18", parameters, clip: 0) {
      model.logits(features)
    } loss: {
      loss($0, Tensor(Array(0..<12)))
    }
    #expect(count(BertResNet18(), Self.shape(512, 768, .multiclass, labels: 5)) == 394_501, "reference 06")
  }

  @Test func simCLIPHasThePublishedParameterCounts() {
    for (outputs, expected) in [1: 889_985, 2: 890_498, 3: 891_011, 4: 891_524] {
      let shape = Self.shape(768, 768, outputs == 1 ? .binary : .multiclass, labels: outputs)
      #expect(count(SimCLIP(), shape) == expected)
    }
    #expect(count(SimCLIP(), Self.shape(512, 512)) == 857_217)
    var several = Self.shape(768, 768, .multiclass, labels: 3)
    several.furtherTasks = [Self.shape(768, 768, .multiclass, labels: 4).task]
    // The projection (98,432) once, a head for each.
    #expect(count(SimCLIP(), several) == 891_011 + 891_524 - 98_432)
  }

  /// Vector T12: the published code's norm, and the paper's.
  @Test func bothNormalizationsOfSimCLIP() {
    let x = Tensor([3.0, 4.0]).expanded(at: 0)
    #expect(difference(SimCLIP.Normalization.inverse(x), Tensor([1.75, 7.0 / 3]).expanded(at: 0)) < 1e-6)
    #expect(difference(SimCLIP.Normalization.euclidean(x), Tensor([0.6, 0.8]).expanded(at: 0)) < 1e-6)
  }

  @Test func simCLIPRefusesToShareAProjectionBetweenWidths() {
    let features = FeatureTable(
      image: FeatureBlock(values: Tensor.zeros([2, 6]), isPresent: [true, true]),
      text: FeatureBlock(values: Tensor.zeros([2, 4]), isPresent: [true, true]))
    let problem = Problem(
      features: features, labelled: [0, 1], labels: [.binary(true), .binary(false)], unlabelled: [], labelRatio: 1,
      task: Self.shape(6, 4).task, seed: 0)
    #expect(SimCLIP().refusal(of: problem)?.contains("siamese=false") == true)
    var separate = SimCLIP()
    separate.network.isSiamese = false
    #expect(separate.refusal(of: problem) == nil)
  }
}
