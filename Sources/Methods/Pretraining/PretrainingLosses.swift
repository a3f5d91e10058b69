// The losses of self-supervised pretraining, from the outputs of networks.
//
// Shapes: N examples, K outputs, D features, V views of a picture.
import Torch
import TorchNN

/// DINO's cross-entropy between what a teacher and a student say of other views of a picture (reference 08 §3).
public struct DINOLoss {
  /// The mean of the teacher's outputs, which is taken off them; a checkpoint must hold it.
  public let center: Tensor  // [1, K]
  public var studentTemperature: Double
  /// How much of the center stays at a step.
  public var centerMomentum: Double

  public init(center: Tensor, studentTemperature: Double = 0.1, centerMomentum: Double = 0.9) {
    self.center = center
    self.studentTemperature = studentTemperature
    self.centerMomentum = centerMomentum
  }

  /// The mean loss over all pairs of a teacher's view and another view of the student.
  ///
  /// - Parameters:
  ///   - student: Outputs [V · N, K], view by view; its first two views are those that the teacher sees.
  ///   - teacher: Outputs [2 · N, K].
  public func callAsFunction(student: Tensor, teacher: Tensor, teacherTemperature: Double) -> Tensor {
    let count = teacher.shape[0] / 2
    precondition(
      teacher.shape[0] == 2 * count && student.shape[0] > count && student.shape[0].isMultiple(of: count),
      "\(student.shape[0]) rows of a student for \(teacher.shape[0]) of a teacher")
    let expected = probabilities(teacher, temperature: teacherTemperature)
    let logs = (student / studentTemperature).logSoftmax()
    let viewCount = student.shape[0] / count
    func rows(_ tensor: Tensor, _ view: Int) -> Tensor { tensor.sliced(view * count..<(view + 1) * count) }
    let losses = (0..<2).flatMap { seen in
      (0..<viewCount).filter { $0 != seen }.map { view in
        -(rows(expected, seen) * rows(logs, view)).sum(along: 1).mean()
      }
    }
    return losses.dropFirst().reduce(losses[0], +) / Double(losses.count)
  }

  /// What the teacher's outputs say, centered and sharpened, without gradient.
  public func probabilities(_ teacher: Tensor, temperature: Double) -> Tensor {
    withoutGrad { ((teacher.detached() - center) / temperature).softmax() }
  }

  /// Moves the center to the mean of the teacher's outputs of a step; it comes after the loss.
  public func moveCenter(to teacher: Tensor) {
    withoutGrad {
      let mean = teacher.detached().mean(along: 0, keepingRank: true)
      center.scale(by: centerMomentum)
      center.add(mean, scaledBy: 1 - centerMomentum)
    }
  }
}

/// CASS's loss (reference 07 §A): the mean over examples of 2 − 2 · cos of what two networks [N, K] say of them.
///
/// - Parameter noise: Where given, the noise that the later variant adds before cosines are taken; it is so small that
///   float32 hardly sees it.
public func agreementLoss(_ first: Tensor, _ second: Tensor, noise: Generator? = nil) -> Tensor {
  func noisy(_ x: Tensor, mean: Double, deviation: Double) -> Tensor {
    guard let noise else { return x }
    let drawn = Tensor(empty: x.shape, dtype: x.dtype, device: x.device)
    drawn.fillNormal(mean: mean, deviation: deviation, using: noise)
    return x + drawn
  }
  let (a, b) = (noisy(first, mean: 1e-5, deviation: 1e-8), noisy(second, mean: 1e-9, deviation: 1e-14))
  return 2 - 2 * (a.normalized() * b.normalized()).sum(along: 1).mean()
}

/// How pictures and texts of a batch are contrasted (reference 09 §B and §C).
public enum CLIPLoss: String, Codable, Sendable, CaseIterable {
  /// CLIP's: every picture has one text and every text one picture, cosines times a learned scale.
  case paired
  /// Products without scale, where pairs that are alike in either modality count as pairs too.
  case soft

  /// ln(1 / 0.07), where the learned scale begins.
  public static let initialLogScale = 2.659_260_036_932_778
  /// CLIP's limit, ln 100, to which the learned scale is set back after a step beyond it.
  static let largestLogScale = 4.605_170_185_988_092

  /// The loss of pictures [N, D] and their texts [N, D]; `logScale` is a scalar that ``soft`` does not read.
  public func callAsFunction(images: Tensor, texts: Tensor, logScale: Tensor) -> Tensor {
    switch self {
    case .paired:
      let logits = images.normalized().matmul(texts.normalized().transposed()) * logScale.exp()
      let pairs = Tensor(Array(0..<images.shape[0]), device: images.device)
      return
        (Loss.crossEntropy(logits: logits, classes: pairs)
        + Loss.crossEntropy(logits: logits.transposed(), classes: pairs)) / 2
    case .soft:
      let logits = texts.matmul(images.transposed())
      let likeness = (images.matmul(images.transposed()) + texts.matmul(texts.transposed())) / 2
      let targets = likeness.softmax()
      func crossEntropy(_ logits: Tensor, _ targets: Tensor) -> Tensor {
        -(targets * logits.logSoftmax()).sum(along: 1).mean()
      }
      return (crossEntropy(logits, targets) + crossEntropy(logits.transposed(), targets.transposed())) / 2
    }
  }
}
