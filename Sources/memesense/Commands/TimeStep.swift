import ArgumentParser
import Methods
import Networks
import Torch
import TorchNN
import Training

/// `memesense time-step`: what Benchmarks/compare-steps measures; not listed, since it serves nobody else.
struct TimeStep: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Time a training step of a network of full size on random weights and inputs.", shouldDisplay: false)

  enum Network: String, ExpressibleByArgument, CaseIterable {
    case vilt, resnet18, cass
    case dinoResNet18 = "dino-resnet18"
    case dinoViT = "dino-vit-tiny16"
  }

  @ArgumentParser.Argument(
    help: """
      vilt (ViLT-B/32, 384 × 384, 40 tokens), resnet18 (224 × 224), or a pretraining at 96 × 96 whose views are at hand: \
      dino-resnet18, dino-vit-tiny16 or cass (both).
      """)
  var network: Network

  @Option(help: "float32 or bfloat16.")
  var precision: Precision = .float32

  @Option(help: Device.help)
  var device: Device = .cpu

  @Option(help: "Steps to time, after three that are not.")
  var steps = 10

  private struct Result: Encodable {
    /// Of a step, the median.
    var milliseconds: Double
    var fastest: Double
    var lastLoss: Double

    enum CodingKeys: String, CodingKey {
      case milliseconds, fastest
      case lastLoss = "last_loss"
    }
  }

  func validate() throws {
    guard (1...1_000_000).contains(steps) else { throw ValidationError("--steps is 1 to 1000000, not \(steps).") }
  }

  private static let batch = 8

  /// What a step is made of.
  private struct Work {
    var loss: () -> Tensor
    var weightDecay = 1e-2
    /// Of each tensor's gradient; 0 for any.
    var gradientClip = 0.0
    /// Follows a step, given the parameters in float32.
    var afterStep: ([Tensor]) -> Void = { _ in }
  }

  func run() throws {
    try device.requireAvailable()
    let store = ParameterStore(initializingFrom: Generator(seed: 0), device: device)
    let work = work(store, Generator(seed: 1, device: device))
    let optimizer = Optimizer(
      store.parameters, rule: .adam(decoupled: true), learningRate: 1e-4, weightDecay: work.weightDecay,
      isMixed: precision == .bfloat16)
    let clock = ContinuousClock()
    var (milliseconds, lastLoss) = ([Double](), 0.0)
    for index in 0..<steps + 3 {
      let start = clock.now
      let loss = precision(on: device, work.loss)
      loss.backward()
      if work.gradientClip > 0 { optimizer.clipEachGradient(toNorm: work.gradientClip) }
      optimizer.step()
      work.afterStep(optimizer.masters)
      lastLoss = loss.item
      if index >= 3 { milliseconds.append((clock.now - start) / .milliseconds(1)) }
    }
    milliseconds.sort()
    let middle = milliseconds.count / 2
    let median =
      milliseconds.count.isMultiple(of: 2)
      ? (milliseconds[middle - 1] + milliseconds[middle]) / 2 : milliseconds[middle]
    try Console.printJSON(Result(milliseconds: median, fastest: milliseconds[0], lastLoss: lastLoss))
  }

  private func work(_ store: ParameterStore, _ generator: Generator) -> Work {
    switch network {
    case .vilt, .resnet18:
      let logits = logits(store.root, generator)
      let classes = Tensor((0..<Self.batch).map { $0 % 2 }, device: device)
      return Work { Loss.crossEntropy(logits: logits().to(.float32), classes: classes) }
    case .cass:
      let networks = ["resnet18", "vit-tiny16"].map { name in
        let network = Backbone.named(name)!.network(side: 96, in: store.root[name])
        return (network, Linear(inputs: network.width, outputs: 1000, in: store.root["\(name)-head"]))
      }
      let views = Self.pictures(Self.batch, side: 96, generator)
      return Work(
        loss: {
          let said = networks.map { $1($0(views, using: generator)).to(.float32) }
          return agreementLoss(said[0], said[1])
        }, weightDecay: 0.04, gradientClip: 3)
    case .dinoResNet18: return dino("resnet18", store, generator)
    case .dinoViT: return dino("vit-tiny16", store, generator)
    }
  }

  /// Two global views of 96 and two local ones of 48 a picture, with the head of the lite recipe.
  private func dino(_ name: String, _ store: ParameterStore, _ generator: Generator) -> Work {
    var shape = DINOHead.Configuration()
    (shape.hidden, shape.bottleneck, shape.outputs) = (512, 128, 4096)
    func network(_ scope: Scope) -> ([Tensor]) -> Tensor {
      let backbone = Backbone.named(name)!.network(side: 96, in: scope["backbone"])
      let head = DINOHead(inputs: backbone.width, shape, in: scope["head"])
      return { groups in head(.concatenated(groups.map { backbone($0, using: generator).to(.float32) }, along: 0)) }
    }
    let student = network(store.root)
    let copy = ParameterStore(loading: store.values.mapValues { $0.detached().copied() }, device: device)
    let teacher = network(copy.root)
    let average = MovingAverage(changing: copy.parameters)
    let groups = [(2, 96), (2, 48)].map { Self.pictures($0 * Self.batch, side: $1, generator) }
    let loss = DINOLoss(center: .zeros([1, shape.outputs], device: device))
    return Work(
      loss: {
        let seen = withoutGrad { teacher([groups[0]]) }
        let value = loss(student: student(groups), teacher: seen, teacherTemperature: 0.04)
        loss.moveCenter(to: seen)
        return value
      }, weightDecay: 0.04, gradientClip: 3, afterStep: { average.update(from: $0, decay: 0.99) })
  }

  private static func pictures(_ count: Int, side: Int, _ generator: Generator) -> Tensor {
    let pictures = Tensor(empty: [count, 3, side, side], device: generator.device)
    pictures.fillNormal(using: generator)
    return pictures
  }

  /// A network with two logits on a batch of random inputs.
  private func logits(_ scope: Scope, _ generator: Generator) -> () -> Tensor {
    func pictures(_ side: Int) -> Tensor { Self.pictures(Self.batch, side: side, generator) }
    func head(_ width: Int) -> Linear { Linear(inputs: width, outputs: 2, in: scope["head"]) }
    switch network {
    case .resnet18:
      let (network, pictures) = (ResNet(.resnet18, in: scope["network"]), pictures(224))
      let head = head(network.width)
      return { head(network(pictures, using: generator)) }
    case .vilt:
      let shape = ViLTShape.base32
      let network = ViLTNetwork(shape, in: scope["network"])
      let (pictures, head) = (pictures(shape.side), head(shape.layers.width))
      let length = shape.positionCount
      let ids = Tensor(
        (0..<Self.batch * length).map { 1000 + $0 * 97 % 29_000 }, shape: [Self.batch, length], device: device)
      return {
        head(
          network(
            ids, hasText: .ones([Self.batch, length], device: device), pictures: pictures,
            hasPicture: .ones([Self.batch], device: device),
            using: generator))
      }
    case .cass, .dinoResNet18, .dinoViT: preconditionFailure("\(network) has no classifier")
    }
  }
}
