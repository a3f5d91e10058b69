import TestSupport
import Testing
import Torch

@testable import TorchNN

/// Optimizers, schedules and averages against PyTorch 2.13; tolerance 1e-6 (float32 weights after 7 steps: 1e-5).
@Suite struct OptimizerTests {
  let fixture: Fixture
  init() throws { fixture = try Fixture("layers") }

  static let cases: [(name: String, rule: Optimizer.Rule, weightDecay: Double)] = [
    ("adam", .adam(), 0.1),
    ("adamw", .adam(beta1: 0.8, beta2: 0.95, epsilon: 1e-6, decoupled: true), 0.1),
    ("sgd", .sgd(), 0),
    ("sgd_momentum", .sgd(momentum: 0.9), 0.01),
    ("sgd_nesterov", .sgd(momentum: 0.9, nesterov: true), 0),
  ]

  private func step(_ optimizer: Optimizer) {
    Loss.meanSquaredError(
      fixture["optimizer.x"].linear(weight: optimizer.parameters[0], bias: nil), fixture["optimizer.y"]
    ).backward()
    optimizer.step()
  }

  private func start() -> Tensor { fixture["optimizer.start"].copied().requiringGrad() }

  @Test(arguments: cases.indices)
  func matchesPyTorch(_ index: Int) {
    let (name, rule, weightDecay) = Self.cases[index]
    let optimizer = Optimizer([start()], rule: rule, learningRate: 0.05, weightDecay: weightDecay)
    for _ in 0..<7 { step(optimizer) }
    #expect(difference(optimizer.parameters[0], fixture["optimizer.\(name)"]) < 1e-5, "\(name)")
  }

  /// Parameters with rates and decays of their own against PyTorch's `param_groups`; the last and the first share theirs
  /// with no other.
  @Test(arguments: [cases[0], ("adamw", .adam(decoupled: true), 0.1), ("sgd_momentum", .sgd(momentum: 0.9), 0.1)])
  func scalesAreThoseOfPyTorchsGroups(_ name: String, _ rule: Optimizer.Rule, _ weightDecay: Double) {
    let columns = [0..<2, 2..<4, 4..<5]
    let parameters = columns.map { start().detached().sliced($0, along: 1).contiguous().copied().requiringGrad() }
    let optimizer = Optimizer(
      parameters, scales: [.init(), .init(rate: 0.3), .init(rate: 2, decay: 0)], rule: rule, learningRate: 0.05,
      weightDecay: weightDecay)
    for _ in 0..<7 {
      Loss.meanSquaredError(
        fixture["optimizer.x"].linear(weight: .concatenated(parameters, along: 1), bias: nil), fixture["optimizer.y"]
      ).backward()
      optimizer.step()
    }
    #expect(difference(.concatenated(parameters, along: 1), fixture["optimizer.groups.\(name)"]) < 1e-5, "\(name)")
  }

  @Test(arguments: cases.indices)
  func restoredStateGoesOnWithTheSameBytes(_ index: Int) throws {
    let (_, rule, weightDecay) = Self.cases[index]
    let whole = Optimizer([start()], rule: rule, learningRate: 0.05, weightDecay: weightDecay)
    for _ in 0..<3 { step(whole) }
    let weight = whole.parameters[0].detached().copied().requiringGrad()
    let resumed = Optimizer([weight], rule: rule, learningRate: 0.05, weightDecay: weightDecay)
    try resumed.restore(whole.state.mapValues { $0.copied() })
    for _ in 0..<4 {
      step(whole)
      step(resumed)
    }
    #expect(difference(whole.parameters[0], resumed.parameters[0]) == 0)
  }

  /// Where weights lie in memory changes nothing, also where the gradient lies otherwise, and a state is saved row by row.
  @Test(arguments: [false, true])
  func weightsWithChannelsInnermostMoveAlike(_ isMixed: Bool) throws {
    let start = Tensor(empty: [4, 3, 2, 2])
    start.fillNormal(using: Generator(seed: 5))
    let weights = [start.copied(), start.channelsLast]
    #expect(!weights[1].isContiguous && weights[1].isDense)
    let optimizers = weights.map {
      Optimizer([$0.requiringGrad()], learningRate: 0.05, weightDecay: 0.1, isMixed: isMixed)
    }
    let generator = Generator(seed: 6)
    for number in 0..<4 {
      let gradient = Tensor(empty: [4, 3, 2, 2])
      gradient.fillNormal(using: generator)
      for optimizer in optimizers {
        let own = gradient.to(optimizer.parameters[0].dtype)
        optimizer.parameters[0].setGrad(number.isMultiple(of: 2) ? own : own.channelsLast)
        optimizer.step()
      }
    }
    #expect(difference(optimizers[0].masters[0], optimizers[1].masters[0]) == 0)
    #expect(difference(optimizers[0].masters[0], start) > 0.01)
    let state = optimizers[1].state.mapValues { $0.copied() }
    let resumed = Optimizer([start.copied().requiringGrad()], learningRate: 0.05, weightDecay: 0.1)
    try resumed.restore(state)
    for (name, value) in optimizers[0].state { #expect(difference(resumed.state[name]!, value) == 0, "\(name)") }
  }

  /// The bfloat16 copy holds the master's value as libtorch rounds it, and the master moves as a float32 parameter
  /// does along the same gradients, to the bit.
  @Test(arguments: [false, true])
  func aMixedStepMovesMastersByTheGradientsOfTheirCopies(_ isDecoupled: Bool) {
    let rule = Optimizer.Rule.adam(decoupled: isDecoupled)
    let generator = Generator(seed: 3)
    let (mixed, whole) = (start(), start())
    let optimizer = Optimizer([mixed], rule: rule, learningRate: 0.05, weightDecay: 0.1, isMixed: true)
    let reference = Optimizer([whole], rule: rule, learningRate: 0.05, weightDecay: 0.1)
    #expect(mixed.dtype == .bfloat16)
    for _ in 0..<5 {
      let gradient = Tensor(empty: whole.shape)
      gradient.fillNormal(mean: 0, deviation: 1, using: generator)
      mixed.setGrad(gradient.to(.bfloat16))
      whole.setGrad(gradient.to(.bfloat16).to(.float32))
      optimizer.step()
      reference.step()
      #expect(difference(optimizer.masters[0], whole) == 0)
      #expect(difference(mixed.to(.float32), whole.detached().to(.bfloat16).to(.float32)) == 0)
    }
    optimizer.restoreMasters()
    #expect(mixed.dtype == .float32 && mixed.requiresGrad)
    #expect(difference(mixed, whole) == 0)
  }

  /// Products in bfloat16 find the same minimum: the gradients' type fits the copies', and masters gather small steps.
  @Test func mixedTrainingReachesTheLossOfFloat32() {
    func loss(_ isMixed: Bool) -> Double {
      let weight = start()
      let optimizer = Optimizer([weight], learningRate: 0.01, isMixed: isMixed)
      func loss() -> Tensor {
        Loss.meanSquaredError(fixture["optimizer.x"].linear(weight: weight, bias: nil), fixture["optimizer.y"])
      }
      for _ in 0..<300 {
        (isMixed ? withAutocast(to: .bfloat16, loss) : loss()).backward()
        optimizer.step()
      }
      optimizer.restoreMasters()
      return loss().item
    }
    let (mixed, whole) = (loss(true), loss(false))
    #expect(abs(mixed - whole) < 0.01 * whole + 1e-3, "\(mixed) in bfloat16, \(whole) in float32")
  }

  @Test func stateOfOtherParametersIsRefused() {
    let optimizer = Optimizer([start()], learningRate: 0.1)
    let other = Optimizer([Tensor.zeros([2]).requiringGrad()], learningRate: 0.1)
    #expect(throws: ParameterMismatch.self) { try optimizer.restore(other.state) }
  }

  @Test func schedulesMatchPyTorch() {
    let step = Schedule.step(factor: 0.93, interval: 3)
    for (position, expected) in fixture["schedule.step"].doubles.enumerated() {
      #expect(abs(step.factor(at: position) - expected) < 1e-12)
    }
    let warm = Schedule.warmUp(length: 3, then: .step(factor: 0.5))
    #expect((0..<5).map(warm.factor(at:)) == [0.25, 0.5, 0.75, 1, 0.5])
    let fall = Schedule.warmUp(length: 1, then: .linear(length: 4))
    #expect((0..<7).map(fall.factor(at:)) == [0.5, 1, 0.75, 0.5, 0.25, 0, 0])
  }

  @Test func clippingMatchesPyTorch() {
    let a = Tensor.zeros([4, 3]).requiringGrad()
    let b = Tensor.zeros([5]).requiringGrad()
    a.setGrad(fixture["clip.a"].copied())
    b.setGrad(fixture["clip.b"].copied())
    let norm = Optimizer([a, b], learningRate: 1).clipGradients(toNorm: 0.7)
    #expect(abs(norm - fixture["clip.norm"].item) < 1e-5)
    #expect(difference(a.grad!, fixture["clip.a_clipped"]) < 1e-6)
    #expect(difference(b.grad!, fixture["clip.b_clipped"]) < 1e-6)
  }

  @Test func movingAverageFollowsItsFormula() {
    let value = Tensor([1.0, 2.0])
    let average = MovingAverage(changing: [value.copied()])
    value.fill(with: 5)
    average.update(from: [value], decay: 0.9)
    #expect(difference(average.values[0], Tensor([1.4, 2.3])) < 1e-12)
  }

  @Test func lbfgsFindsTheMinimumOfAQuadratic() {
    let scale = Tensor([1.0, 10, 100])
    let target = Tensor([3.0, -2, 0.5])
    let found = LBFGS().minimum(from: Tensor.zeros([3], dtype: .float64)) { point in
      let error = point - target
      return (0.5 * (scale * error * error).sum().item, scale * error)
    }
    #expect(difference(found, target) < 1e-6)
  }
}
