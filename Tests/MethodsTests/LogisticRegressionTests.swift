import Encoders
import MemeData
import TestSupport
import Testing
import Torch

@testable import Methods

/// Weights against scikit-learn's at one strength, within 1e-4: both solve a convex problem to its minimum.
@Suite struct LogisticRegressionTests {
  struct NoStages: StageTrainer {
    func train(_ stages: [TrainingStage], seed: UInt64) throws { Issue.record("logistic regression has no stages") }
  }

  private func problem(_ labels: [Label], _ task: LabelTask) throws -> Problem {
    let inputs = try Fixture("methods")["linear.inputs"].to(.float32)
    let present = [Bool](repeating: true, count: labels.count)
    return Problem(
      features: FeatureTable(
        image: FeatureBlock(values: inputs.sliced(0..<4, along: 1).contiguous(), isPresent: present),
        text: FeatureBlock(values: inputs.sliced(4..<7, along: 1).contiguous(), isPresent: present)),
      labelled: Array(labels.indices), labels: labels, unlabelled: [], labelRatio: 1, task: task, seed: 1)
  }

  @Test func binaryWeightsAreScikitLearns() throws {
    let fixture = try Fixture("methods")
    let labels = fixture["linear.binary"].doubles.map { Label.binary($0 > 0.5) }
    try check(labels, LabelTask(name: "t", kind: .binary, labels: ["t"]), "binary", fixture)
  }

  @Test func classWeightsAreScikitLearns() throws {
    let fixture = try Fixture("methods")
    let labels = fixture["linear.classes"].doubles.map { Label.multiclass(Int($0)) }
    try check(labels, LabelTask(name: "t", kind: .multiclass, labels: ["a", "b", "c"]), "classes", fixture)
  }

  private func check(_ labels: [Label], _ task: LabelTask, _ name: String, _ fixture: Fixture) throws {
    var method = LogisticRegression()
    (method.scaling, method.strengths) = (.none, [0.3])
    let values = try method.fitted(to: problem(labels, task), trainer: NoStages()).values
    #expect(difference(values["weight"]!, fixture["linear.\(name)_weight"]) < 1e-4)
    #expect(difference(values["bias"]!, fixture["linear.\(name)_bias"]) < 1e-4)
  }

  @Test func aStrengthIsChosenByCrossValidation() throws {
    let labels = try Fixture("methods")["linear.binary"].doubles.map { Label.binary($0 > 0.5) }
    let task = LabelTask(name: "t", kind: .binary, labels: ["t"])
    var method = LogisticRegression()
    method.strengths = [1e-9, 1]
    let weight = try method.fitted(to: problem(labels, task), trainer: NoStages()).values["weight"]!
    // The useless strength leaves weights of about 1e-8.
    #expect(weight.detached().norm().item > 0.1)
  }

  /// The same numbers as on a table whose other block is empty; a meme without what is read is told by the intercept alone.
  @Test(arguments: [LogisticRegression.Modalities.image, .text])
  func oneModalityIsReadAsIfThereWereNoOther(_ reads: LogisticRegression.Modalities) throws {
    let labels = try Fixture("methods")["linear.binary"].doubles.map { Label.binary($0 > 0.5) }
    var problem = try problem(labels, LabelTask(name: "t", kind: .binary, labels: ["t"]))
    problem.features.image.isPresent[0] = false
    problem.features.text.isPresent[0] = false
    var method = LogisticRegression()
    method.reads = reads
    let probe = try method.fitted(to: problem, trainer: NoStages())
    let told = probe.classifier.probabilities(of: problem.features)
    #expect(probe.values["weight"]!.shape == [1, reads == .image ? 4 : 3])
    #expect(difference(told.selected(0), probe.values["bias"]!.sigmoid()) < 1e-6)

    let nothing = FeatureBlock(
      values: .zeros([labels.count, 0]), isPresent: [Bool](repeating: false, count: labels.count))
    if reads == .image { problem.features.text = nothing } else { problem.features.image = nothing }
    let alone = try LogisticRegression().fitted(to: problem, trainer: NoStages())
    for key in ["weight", "bias"] { #expect(difference(probe.values[key]!, alone.values[key]!) == 0, "\(key)") }
    #expect(difference(told, alone.classifier.probabilities(of: problem.features)) == 0)
    #expect(Set(told.doubles).count > 10, "it tells memes apart")
  }
}
