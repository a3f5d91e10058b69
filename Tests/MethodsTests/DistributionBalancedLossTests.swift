import Foundation
import TestSupport
import Testing
import Torch

@testable import Methods

/// Reference 15's vectors (T1, T2 of reference 17) and gradients against PyTorch, float64.
@Suite struct DistributionBalancedLossTests {
  let logits = Tensor([0.5, -1, 2, 0, -0.3, 0.2, 0.1, -2, 1.5, 0.7, -0.4, 0.9], shape: [3, 4])
  let targets = Tensor([1.0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1], shape: [3, 4])
  static let counts = [50.0, 110, 90, 40]

  private func loss(_ constants: DistributionBalancedLoss.Constants) -> DistributionBalancedLoss {
    DistributionBalancedLoss(constants, positiveCounts: Self.counts, exampleCount: 400, dtype: .float64)
  }

  @Test(arguments: [
    ("SemiMemes", 10.0, 0.2, 0.1, 5.0, 0.1, 3.8331657304, 3.8090490194),
    ("VOC", 0.1, 10.0, 0.3, 5.0, 0.05, 0.2964447624, 0.3124428980),
    ("COCO", 0.1, 10.0, 0.2, 2.0, 0.05, 0.4163690002, 0.3556699534),
  ])
  func publishedConstants(
    _ name: String, alpha: Double, beta: Double, mu: Double, scale: Double, strength: Double, plain: Double,
    focal: Double
  ) {
    var constants = DistributionBalancedLoss.Constants()
    (constants.alpha, constants.beta, constants.mu) = (alpha, beta, mu)
    (constants.negativeScale, constants.priorStrength) = (scale, strength)
    #expect(abs(loss(constants)(logits: logits, targets: targets).item - plain) < 1e-9, "\(name)")
    constants.isFocal = true
    #expect(abs(loss(constants)(logits: logits, targets: targets).item - focal) < 1e-9, "\(name)")
  }

  @Test func weightsAreThoseOfTheReference() {
    let weights = loss(.init()).weights(of: targets).doubles
    for (value, expected) in zip(weights, [10.52711623, 10.50960921, 10.51285431, 10.53512064, 11, 11, 11, 11]) {
      #expect(abs(value - expected) < 1e-8)
    }
  }

  @Test func rowsWithoutPositivesStayFinite() {
    let logits = Tensor([3.0, -3, 0, 1], shape: [1, 4]).requiringGrad()
    let value = loss(.init())(logits: logits, targets: Tensor.zeros([1, 4], dtype: .float64))
    value.backward()
    #expect(value.item.isFinite && value.item > 0)
    #expect(logits.grad!.isFinite)
  }

  @Test(arguments: [[0.0, 400], [400, 0]])
  func labelsThatNeverOrAlwaysOccurStayFinite(_ counts: [Double]) {
    let loss = DistributionBalancedLoss(.init(), positiveCounts: counts, exampleCount: 400, dtype: .float64)
    let logits = Tensor([1.0, -1], shape: [1, 2]).requiringGrad()
    let value = loss(logits: logits, targets: Tensor([1.0, 0], shape: [1, 2]))
    value.backward()
    #expect(value.item.isFinite && logits.grad!.isFinite)
  }

  @Test(arguments: [("plain", false), ("focal", true)])
  func valueAndGradientMatchPyTorch(_ name: String, isFocal: Bool) throws {
    let fixture = try Fixture("methods")
    var constants = DistributionBalancedLoss.Constants()
    constants.isFocal = isFocal
    let logits = fixture["db.logits"].copied().requiringGrad()
    let loss = DistributionBalancedLoss(
      constants, positiveCounts: fixture["db.counts"].doubles, exampleCount: 200, dtype: .float64)
    let value = loss(logits: logits, targets: fixture["db.targets"])
    value.backward()
    #expect(abs(value.item - fixture["db.\(name)"].item) < 1e-10)
    #expect(difference(logits.grad!, fixture["db.\(name)_gradient"]) < 1e-10)
  }
}
