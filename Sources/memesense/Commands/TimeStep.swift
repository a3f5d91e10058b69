import ArgumentParser
import Networks
import Torch
import TorchNN
import Training

/// `memesense time-step`: what Benchmarks/compare-steps measures; not listed, since it serves nobody else.
struct TimeStep: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Time a training step of a network of full size on random weights and inputs.", shouldDisplay: false)

  enum Network: String, ExpressibleByArgument, CaseIterable {
    case vilt, resnet18
  }

  @ArgumentParser.Argument(help: "vilt (ViLT-B/32, 384 × 384, 40 tokens) or resnet18 (224 × 224).")
  var network: Network

  @Option(help: "float32 or bfloat16.")
  var precision: Precision = .float32

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
    guard steps >= 1 else { throw ValidationError("--steps is \(steps); at least 1 expected") }
  }

  private static let batch = 8

  func run() throws {
    let store = ParameterStore(initializingFrom: Generator(seed: 0))
    let generator = Generator(seed: 1)
    let logits = logits(store.root, generator)
    let classes = Tensor((0..<Self.batch).map { $0 % 2 })
    let optimizer = Optimizer(
      store.parameters, rule: .adam(decoupled: true), learningRate: 1e-4, weightDecay: 1e-2,
      isMixed: precision == .bfloat16)
    let clock = ContinuousClock()
    var (milliseconds, lastLoss) = ([Double](), 0.0)
    for index in 0..<steps + 3 {
      let start = clock.now
      let loss = precision { Loss.crossEntropy(logits: logits().to(.float32), classes: classes) }
      loss.backward()
      optimizer.step()
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

  /// A network with two logits on a batch of random inputs.
  private func logits(_ scope: Scope, _ generator: Generator) -> () -> Tensor {
    func pictures(_ side: Int) -> Tensor {
      let pictures = Tensor(empty: [Self.batch, 3, side, side])
      pictures.fillNormal(using: generator)
      return pictures
    }
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
      let ids = Tensor((0..<Self.batch * length).map { 1000 + $0 * 97 % 29_000 }).reshaped(to: [Self.batch, length])
      return {
        head(
          network(
            ids, hasText: .ones([Self.batch, length]), pictures: pictures, hasPicture: .ones([Self.batch]),
            using: generator))
      }
    }
  }
}
