// Logistic regression on both feature blocks, or on one: the linear baseline that every method must be compared with.
//
// The objective is scikit-learn's: strength · Σ loss + ½‖W‖², the intercept free.

import Encoders
import MemeData
import Metrics
import Torch
import TorchNN

/// Multinomial or independent logistic regression whose L2 strength is cross-validated on the labelled memes.
///
/// With the default scaling every standardised block is divided by the root of its width, so that a wide image block
/// does not drown a narrow text block. On one block alone it is the linear probe of an encoder; memes that lack what it reads
/// are learned from all the same, with the mean of the others, as a head on one modality does.
public struct LogisticRegression: Method {
  /// The features that it is given.
  public enum Modalities: String, Codable, Sendable, CaseIterable {
    case both, image, text
  }

  public static let name = "logistic-regression"
  public static let summary = "a linear model on both feature blocks or one, its L2 strength cross-validated"

  public static let isTrainedByEpochs = false

  public var reads = Modalities.both
  public var scaling = FeatureScaling.standardizedByWidth
  /// Inverse L2 strengths (scikit-learn's C) to choose from; one entry is taken as it is.
  public var strengths = [0.01, 0.03, 0.1, 0.3, 1, 3, 10]
  public var foldCount = 5

  public init() {}

  enum CodingKeys: String, CodingKey {
    case reads, scaling, strengths
    case foldCount = "folds"
  }

  /// `reads` may be left out for both, as recipes did before there was a choice.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    reads = try container.decodeIfPresent(Modalities.self, forKey: .reads) ?? .both
    scaling = try container.decode(FeatureScaling.self, forKey: .scaling)
    strengths = try container.decode([Double].self, forKey: .strengths)
    foldCount = try container.decode(Int.self, forKey: .foldCount)
  }

  /// The trained linear map.
  public struct Model: Classifier {
    let preparation: FeaturePreparation
    let reads: Modalities
    let weight: Tensor  // [C, D], D being I + T or one of them
    let bias: Tensor  // [C]
    let isExclusive: Bool

    /// What the map is of [N, D].
    func inputs(_ features: FeatureTable) -> Tensor {
      let prepared = preparation(features)
      return switch reads {
      case .both: .concatenated([prepared.image, prepared.text], along: 1)
      case .image: prepared.image
      case .text: prepared.text
      }
    }

    public func probabilities(of features: FeatureTable) -> Tensor {
      withoutGrad {
        let logits = inputs(features).linear(weight: weight, bias: bias)
        return isExclusive ? logits.softmax() : logits.sigmoid()
      }
    }
  }

  public func model(for shape: ProblemShape, in scope: Scope) -> Model {
    let width =
      switch reads {
      case .both: shape.imageWidth + shape.textWidth
      case .image: shape.imageWidth
      case .text: shape.textWidth
      }
    return Model(
      preparation: FeaturePreparation(scaling: scaling, shape: shape, in: scope["preparation"]), reads: reads,
      weight: scope.parameter("weight", [shape.outputCount, width], .constant(0)),
      bias: scope.parameter("bias", [shape.outputCount], .constant(0)), isExclusive: shape.task.kind == .multiclass)
  }

  public var fault: String? {
    var check = SettingsCheck()
    check.require(foldCount, in: 2...100, "folds")
    check.require(!strengths.isEmpty, "strengths is empty; give at least one, as [1]")
    for strength in strengths { check.require(strength, in: 1e-12...1e12, "strengths") }
    return check.fault
  }

  /// No stage is trained by epochs.
  public func fit(_ model: Model, to problem: Problem, trainer: any StageTrainer) throws {
    try fit(model, to: problem)
  }

  func fit(_ model: Model, to problem: Problem) throws {
    model.preparation.fit(problem.features)
    let inputs = withoutGrad { model.inputs(problem.features).gathered(Tensor(problem.labelled)).to(.float64) }
    let targets = problem.targets.indicators.to(.float64)
    let folds = folds(of: problem)
    let strength =
      strengths.count == 1
      ? strengths[0]
      : try bestStrength(inputs: inputs, targets: targets, folds: folds, isExclusive: model.isExclusive)
    let solution = solve(inputs: inputs, targets: targets, strength: strength, isExclusive: model.isExclusive)
    withoutGrad {
      model.weight.copy(from: solution.weight)
      model.bias.copy(from: solution.bias)
    }
  }

  // MARK: Choosing the strength

  /// The fold of every labelled meme: shuffled, and dealt out label by label so that all folds are alike.
  private func folds(of problem: Problem) -> [Int] {
    let order = Tensor.permutation(
      of: problem.labels.count, using: Generator(seed: problem.seed, parts: "folds"))
    let shuffled: [Int] = order.values()
    var fold = [Int](repeating: 0, count: shuffled.count)
    var next = 0
    let byLabel = Dictionary(grouping: shuffled) { problem.labels[$0] }
    for index in problem.labels.distinct().flatMap({ byLabel[$0]! }) {
      fold[index] = next % foldCount
      next += 1
    }
    return fold
  }

  /// The strength of the best mean AUROC over folds and outputs; where no fold can be scored, the middle one.
  private func bestStrength(
    inputs: Tensor, targets: Tensor, folds: [Int], isExclusive: Bool
  ) throws -> Double {
    var totals = [Double](repeating: 0, count: strengths.count)
    var isScored = false
    for fold in 0..<foldCount {
      let held = Tensor(folds.indices.filter { folds[$0] == fold })
      let kept = Tensor(folds.indices.filter { folds[$0] != fold })
      guard held.elementCount > 0, kept.elementCount > 0 else { continue }
      for (index, strength) in strengths.enumerated() {
        let solution = solve(
          inputs: inputs.gathered(kept), targets: targets.gathered(kept), strength: strength, isExclusive: isExclusive)
        let logits = inputs.gathered(held).linear(weight: solution.weight, bias: solution.bias)
        let scores = isExclusive ? logits.softmax() : logits
        guard let score = try meanAUROC(scores: scores, targets: targets.gathered(held)) else { continue }
        totals[index] += score
        isScored = true
      }
    }
    guard isScored else { return strengths.sorted()[strengths.count / 2] }
    return strengths[totals.firstIndex(of: totals.max()!)!]
  }

  private func meanAUROC(scores: Tensor, targets: Tensor) throws -> Double? {
    var values: [Double] = []
    for column in 0..<targets.shape[1] {
      let truth = targets.selected(column, along: 1).doubles.map { $0 > 0.5 }
      let ranked = try RankedScores(truth: truth, scores: scores.selected(column, along: 1).doubles)
      if let value = ranked.auroc.value { values.append(value) }
    }
    return values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
  }

  // MARK: Solving

  /// The minimum of strength · Σ loss + ½‖W‖² over `inputs` [N, D] and `targets` [N, C], both float64.
  private func solve(
    inputs: Tensor, targets: Tensor, strength: Double, isExclusive: Bool
  ) -> (weight: Tensor, bias: Tensor) {
    let (width, outputs) = (inputs.shape[1], targets.shape[1])
    func unpacked(_ point: Tensor) -> (weight: Tensor, bias: Tensor) {
      let weightCount = width * outputs
      return (
        point.sliced(0..<weightCount).reshaped(to: [outputs, width]),
        point.sliced(weightCount..<weightCount + outputs)
      )
    }
    let minimum = withoutGrad {
      LBFGS().minimum(from: Tensor.zeros([outputs * (width + 1)], dtype: .float64, device: inputs.device)) { point in
        let (weight, bias) = unpacked(point)
        let logits = inputs.linear(weight: weight, bias: bias)
        let probabilities = isExclusive ? logits.softmax() : logits.sigmoid()
        let loss =
          isExclusive
          ? -(logits.logSoftmax() * targets).sum()
          : (logits.softplus() - logits * targets).sum()
        let error = (probabilities - targets) * strength
        let gradient = Tensor.concatenated(
          [
            (error.transposed().matmul(inputs) + weight).reshaped(to: [-1]),
            error.sum(along: 0),
          ], along: 0)
        return (loss.item * strength + 0.5 * (weight * weight).sum().item, gradient)
      }
    }
    return unpacked(minimum)
  }
}

extension [Label] {
  /// Each label once, in order of first appearance.
  func distinct() -> [Label] {
    var seen: Set<Label> = []
    return filter { seen.insert($0).inserted }
  }
}
