/// The official scores of SemEval-2022 Task 5, Multimedia Automatic Misogyny Identification.
///
/// They look like scikit-learn's macro and weighted F1 but are neither: a class without a true positive always counts
/// as 0, and Task B weighs each label's two-class macro F1 by the label's positives.
public enum MAMI {
  /// The label Task A is about, and which Task B leaves out.
  public static let taskALabel = "misogynous"

  /// The columns of MAMI's files behind the file name: the label of Task A, then the kinds behind it.
  public static let labels = [taskALabel] + kinds

  /// The kinds of misogyny that Task B is about.
  public static let kinds = ["shaming", "stereotype", "objectification", "violence"]

  /// Task A: the mean F1 of a label's presence and absence.
  public static func taskA(_ counts: ConfusionCounts) -> Double { (counts.f1 + counts.complement.f1) / 2 }

  /// Task B: Σ taskA(l)·support(l) / Σ support(l) over the sub-labels, support being the true positives there are.
  ///
  /// - Parameter counts: one table a sub-label, `misogynous` not among them.
  public static func taskB(_ counts: [ConfusionCounts]) -> Score {
    let support = counts.reduce(0) { $0 + $1.support }
    guard support > 0 else { return .undefined(reason: "no positive meme in the truth of any sub-label") }
    return .defined(counts.reduce(0) { $0 + taskA($1) * Double($1.support) } / Double(support))
  }
}
