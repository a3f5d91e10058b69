import TestSupport
import Testing
import Torch
import TorchNN

@testable import Methods

/// Losses, schedules and averages of self-supervised methods against the vectors of reference 17 (float64) and PyTorch
/// (float32, 1e-5 of the largest element).
@Suite struct PretrainingLossTests {
  private let fixture: Fixture
  init() throws { fixture = try Fixture("pretraining") }

  /// Vector T5.
  @Test func agreementIsThatOfTheReference() {
    let x = Tensor([1, 2, 3, -1, 0.5, 2] as [Double], shape: [2, 3])
    let y = Tensor([2, 1, 0, 1, 1, 1] as [Double], shape: [2, 3])
    #expect(abs(agreementLoss(x, y).item - 1.143_944_083_3) < 1e-10)
    // The later variant's noise moves the first by 10⁻⁵.
    let noisy = agreementLoss(x, y, noise: Generator(seed: 1)).item
    #expect(noisy != agreementLoss(x, y).item && abs(noisy - 1.143_944_083_3) < 1e-4)
  }

  /// Vectors T6 and T7.
  @Test func contrastiveLossesAreThoseOfTheReference() {
    let image = Tensor([1, 0, 0.5, 0.2, 1, -0.3, -0.5, 0.4, 1] as [Double], shape: [3, 3])
    let text = Tensor([0.9, 0.1, 0.4, 0, 0.8, -0.1, 0.3, -0.2, 0.7] as [Double], shape: [3, 3])
    let scale = Tensor(CLIPLoss.initialLogScale, dtype: .float64)
    #expect(abs(CLIPLoss.paired(images: image, texts: text, logScale: scale).item - 0.574_509_965_4) < 1e-10)
    #expect(abs(CLIPLoss.soft(images: image, texts: text, logScale: scale).item - 1.020_020_638_8) < 1e-10)
  }

  /// Vector T8.
  @Test func distillationIsThatOfTheReference() {
    let student = Tensor(
      [0.1, 0.2, -0.1, 0.3, -0.2, 0, 0.05, 0.1, 0.2, -0.1, 0.4, 0.1, 0.2, 0.2, 0.2, 0, 0.1, -0.3] as [Double],
      shape: [6, 3])
    let teacher = Tensor([0.2, 0.1, -0.2, 0.1, -0.1, 0.3, 0, 0.3, 0.1, -0.2, 0.2, 0.2] as [Double], shape: [4, 3])
    let loss = DINOLoss(center: Tensor([0.01, 0.02, -0.03] as [Double], shape: [1, 3]))
    #expect(abs(loss(student: student, teacher: teacher, teacherTemperature: 0.04).item - 2.358_128_675_6) < 1e-10)
    loss.moveCenter(to: teacher)
    #expect(difference(loss.center, Tensor([0.0115, 0.0305, -0.017] as [Double], shape: [1, 3])) < 1e-15)
  }

  @Test(arguments: [CLIPLoss.paired, .soft])
  func gradientsOfContrastMatchPyTorch(_ loss: CLIPLoss) {
    let (image, text) = (fixture["clip.image"].requiringGrad(), fixture["clip.text"].requiringGrad())
    let scale = Tensor(CLIPLoss.initialLogScale).to(.float32).requiringGrad()
    let value = loss(images: image, texts: text, logScale: scale)
    value.backward()
    let name = "clip.\(loss.rawValue)"
    #expect(relativeDifference(value, fixture["\(name).loss"]) < 1e-5)
    #expect(relativeDifference(image.grad!, fixture["\(name).gradient.image"]) < 1e-5)
    #expect(relativeDifference(text.grad!, fixture["\(name).gradient.text"]) < 1e-5)
    if loss == .paired { #expect(relativeDifference(scale.grad!, fixture["\(name).gradient.scale"]) < 1e-5) }
  }

  @Test func theProjectionMatchesPyTorch() throws {
    let store = ParameterStore(loading: fixture.group("clip.projection."), dtype: .float32)
    let head = ProjectionHead(inputs: 7, outputs: 6, dropoutRate: 0, in: store.root)
    try store.validate()
    for parameter in store.parameters { parameter.requiringGrad() }
    let projected = head(fixture["clip.image"], using: nil)
    #expect(relativeDifference(projected, fixture["clip.projected"]) < 1e-5)
    (projected * projected).sum().backward()
    for (key, expected) in fixture.group("clip.projection_gradient.") {
      let gradient = store.values[key]!.grad!.reshaped(to: [-1]).sliced(0..<expected.elementCount)
      #expect(relativeDifference(gradient, expected) < 1e-4, "\(key)")
    }
  }

  @Test func schedulesMatchTheReference() {
    let schedules = [
      "learning_rate": ValueSchedule(base: 5e-4, end: 1e-6, warmUpSteps: 8, stepCount: 20),
      "weight_decay": ValueSchedule(base: 0.04, end: 0.4, stepCount: 20),
      "momentum": ValueSchedule(base: 0.996, end: 1, stepCount: 20),
      // Rises by the epoch and stays.
      "temperature": ValueSchedule(start: 0.04, base: 0.07, end: 0.07, warmUpSteps: 3, stepCount: 5),
    ]
    for (name, schedule) in schedules {
      let expected = fixture["schedule.\(name)"].doubles
      #expect(expected.count == schedule.stepCount)
      for (step, value) in expected.enumerated() {
        #expect(abs(schedule.value(at: step) - value) < 1e-12, "\(name), step \(step)")
      }
    }
    #expect(schedules["momentum"]!.value(at: 20) == 1, "after the last step it stays")
  }

  @Test func measuresOfCollapseMatchPyTorch() throws {
    let (first, second) = (fixture["watch.first"], fixture["watch.second"])
    #expect(abs(CollapseWatch.deviation(first) - fixture["watch.deviation"].item) < 1e-5)
    #expect(abs(CollapseWatch.alignment(first, second) - fixture["watch.alignment"].item) < 1e-5)
    #expect(abs(CollapseWatch.uniformity(first) - fixture["watch.uniformity"].item) < 1e-5)
    let labels = [true, false, true, false, false, true]
    let votes = CollapseWatch.votes(first, labels: labels, neighbours: 3)
    #expect(zip(votes, fixture["watch.votes"].doubles).allSatisfy { abs($0 - $1) < 1e-5 })
    #expect(try CollapseWatch.neighbourAUROC(first, labels: [true, true, true, true, true, true]) == nil)
  }

  /// Of points on a line of which every other one is positive, neighbours say the wrong thing and no line says anything; a
  /// coordinate that is the label tells all.
  @Test func linearProbeTellsWhatALineTells() throws {
    let labels = (0..<40).map { $0 % 2 == 0 }
    let line = (0..<40).map { Double($0) / 40 }
    let tells = labels.map { $0 ? 0.3 : -0.3 }
    func features(_ second: [Double]) -> Tensor {
      Tensor(zip(line, second).flatMap { [$0, $1] }, shape: [40, 2]).to(.float32)
    }
    #expect(try CollapseWatch.linearAUROC(features(tells), labels: labels) == 1)
    let blind = try #require(try CollapseWatch.linearAUROC(features(line), labels: labels))
    #expect(blind < 0.6)
    #expect(try CollapseWatch.linearAUROC(features(tells), labels: labels.map { _ in false }) == nil)
  }

  @Test func entropiesTellBothKindsOfCollapse() {
    let uniform = CollapseWatch.entropies(Tensor.full([4, 8], 0.125))
    #expect(abs(uniform.each - 1) < 1e-6 && abs(uniform.mean - 1) < 1e-6)
    var row = [Double](repeating: 0, count: 8)
    row[3] = 1
    let single = CollapseWatch.entropies(Tensor(row + row, shape: [2, 8]))
    #expect(abs(single.each) < 1e-6 && abs(single.mean) < 1e-6)
    row[3] = 0
    row[5] = 1
    var other = [Double](repeating: 0, count: 8)
    other[0] = 1
    let healthy = CollapseWatch.entropies(Tensor(row + other, shape: [2, 8]))
    #expect(abs(healthy.each) < 1e-6 && abs(healthy.mean - 1.0 / 3) < 1e-6, "two outputs of eight: ln 2 / ln 8")
  }
}
