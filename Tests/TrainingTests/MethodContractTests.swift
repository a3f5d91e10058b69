import Foundation
import MemeData
import Testing
import Torch

@testable import Methods
@testable import Training

/// What every method of the catalog must do, for every kind of task.
@Suite struct MethodContractTests {
  static let cases = MethodCatalog.all.indices.flatMap { method in
    SmallProblem.tasks.indices.map { (method, $0) }
  }

  @Test(arguments: cases)
  func trainsPredictsSavesAndLoads(_ methodIndex: Int, _ taskIndex: Int) throws {
    let method = try SmallProblem.quick(MethodCatalog.all[methodIndex])
    let problem = SmallProblem.problem(SmallProblem.tasks[taskIndex])
    let fitted = try fit(method, problem)
    let probabilities = fitted.classifier.probabilities(of: problem.features)
    #expect(probabilities.shape == [90, problem.shape.outputCount])
    let rows = probabilities.rows
    #expect(rows.allSatisfy { $0.allSatisfy { (0...1).contains($0) } })
    if problem.task.kind == .multiclass { #expect(rows.allSatisfy { abs($0.reduce(0, +) - 1) < 1e-5 }) }
    // Memes that differ get different answers: nothing collapsed to a constant.
    #expect(Set(rows.map { $0[0] }).count > 40)

    let folder = try TemporaryFolder()
    let file = folder.url.appending(path: "model.safetensors")
    try Checkpoint(tensors: fitted.values).write(to: file)
    let restored = try method.restored(for: method.shape(of: problem), from: Checkpoint(contentsOf: file).tensors)
    // To the last digit but one: MKL rounds by how matrices lie in memory, which is not saved.
    for (answer, row) in zip(restored.probabilities(of: problem.features).rows, rows) {
      #expect(zip(answer, row).allSatisfy { abs($0 - $1) < 1e-6 })
    }
  }

  @Test(arguments: MethodCatalog.all.indices)
  func theSameSeedGivesTheSameBytes(_ index: Int) throws {
    let method = try SmallProblem.quick(MethodCatalog.all[index])
    let problem = SmallProblem.problem(SmallProblem.tasks[0])
    let (first, second) = (try fit(method, problem).values, try fit(method, problem).values)
    #expect(first.keys.sorted() == second.keys.sorted())
    for (name, tensor) in first { #expect(tensor.detached().doubles == second[name]!.detached().doubles, "\(name)") }
  }

  @Test(arguments: MethodCatalog.all.indices)
  func bfloat16StaysNearFloat32(_ index: Int) throws {
    let method = try SmallProblem.quick(MethodCatalog.all[index])
    let problem = SmallProblem.problem(SmallProblem.tasks[0])
    let answers = try Precision.allCases.map { precision in
      try fit(method, problem, precision: precision).classifier.probabilities(of: problem.features).doubles
    }
    #expect(zip(answers[0], answers[1]).allSatisfy { abs($0 - $1) < 0.03 })
  }

  @Test(arguments: MethodCatalog.all.indices)
  func learnsWhatItsViewsTell(_ index: Int) throws {
    let type = MethodCatalog.all[index]
    let method = try Recipe(
      yaml: RecipeLibrary.text(named: RecipeLibrary.defaultName(method: type.name, encoder: "lite")), source: "",
      overrides: SmallProblem.small(type)
        // Pictures of one colour are hard on convolutions: a few epochs are too few.
        + (type.name == CMMLOrigin.name ? ["settings.training.epochs=20"] : [])
        // As are words and colours for networks that begin at random weights.
        + (type.name == FineTune.name ? ["settings.training.epochs=60"] : [])
        + (type.name == LogisticRegression.name ? [] : ["settings.training.learning_rate=0.003"])
        // Random networks tell more of words the wider they are, and these are frozen before any label is seen.
        + (type.name == ExtPIE.name ? ["settings.text.width=48", "settings.training.learning_rate=0.001"] : [])
    ).method
    let task = SmallProblem.tasks[0]
    let problem = SmallProblem.problem(task, count: 300, labelled: 150)
    let probabilities = try fit(method, problem).classifier.probabilities(of: problem.features).rows
    let held = problem.unlabelled.filter {
      problem.features.image.isPresent[$0] && problem.features.text.isPresent[$0]
    }
    let right = held.count {
      (probabilities[$0][0] > 0.5) == (SmallProblem.label($0, of: task, in: problem.features) == .binary(true))
    }
    let least = type.name == ExtPIE.name ? 0.7 : 0.8
    #expect(Double(right) / Double(held.count) > least, "\(type.name): \(right) of \(held.count)")
  }

  @Test func semiMemesSaysWhenThereIsNothingUnlabelled() throws {
    var problem = SmallProblem.problem(SmallProblem.tasks[0], count: 40, labelled: 40)
    problem.unlabelled = []
    #expect {
      try fit(SemiMemes(), problem)
    } throws: { "\($0)".contains("there are none") && "\($0)".contains("auto_encoders=false") }
  }

  @Test func cmmlSaysWhenThereIsNothingUnlabelled() throws {
    var problem = SmallProblem.problem(SmallProblem.tasks[0], count: 40, labelled: 40)
    problem.unlabelled = []
    #expect {
      try fit(CMML(), problem)
    } throws: { "\($0)".contains("cmml-clip") && "\($0)".contains("there are none") }
  }

  private func fit(
    _ method: any Methods.Method, _ problem: Problem, precision: Precision = .float32
  ) throws -> FittedModel {
    let folder = try TemporaryFolder()
    let log = try TrainingLog(folder.url.appending(path: "log.jsonl"))
    return try method.fitted(
      to: problem,
      trainer: CheckpointingTrainer(
        folder: folder.url, precision: precision, log: log, observer: SilentObserver()))
  }
}
