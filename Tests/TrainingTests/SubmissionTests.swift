import Foundation
import MemeData
import Metrics
import Testing

@testable import Training

/// The competitions' files, to the byte.
struct SubmissionTests {
  private let hateful = LabelTask(name: "hateful", kind: .binary, labels: ["hateful"])
  private let subtypes = LabelTask(
    name: "subtypes", kind: .multilabel, labels: ["shaming", "stereotype", "objectification", "violence"])

  private func message(_ body: () throws -> Data) -> String {
    do { return String(decoding: try body(), as: UTF8.self) } catch { return "\(error)" }
  }

  @Test func hatefulMemesHasAProbabilityAndALabel() throws {
    let predictions = [("01235", 0.75), ("2", 0.5), ("3", 1e-5)].map {
      [Prediction(id: $0, probabilities: [$1], task: hateful)]
    }
    #expect(
      message { try Submission.hatefulMemes.file(predictions) }
        == "id,proba,label\n01235,0.75,1\n2,0.5,0\n3,1e-05,0\n")
    let several = [[Prediction(id: "1", probabilities: [0.1, 0.2, 0.3, 0.4], task: subtypes)]]
    #expect(message { try Submission.hatefulMemes.file(several) }.contains("one yes-or-no label"))
  }

  @Test func mamiHasTheFiveColumnsInTheirOrder() throws {
    let misogyny = LabelTask(name: "misogyny", kind: .multilabel, labels: MAMI.labels)
    let predictions = [("10.jpg", [0.9, 0.1, 0.6, 0.5, 0.7]), ("2.jpg", [0.1, 0.2, 0.9, 0.1, 0])].map {
      [Prediction(id: $0, probabilities: $1, task: misogyny)]
    }
    #expect(message { try Submission.mami.file(predictions) } == "10.jpg\t1\t0\t1\t0\t1\n2.jpg\t0\t0\t1\t0\t0\n")
    #expect(message { try Submission.mami.file(predictions, taskAOnly: true) } == "10.jpg\t1\n2.jpg\t0\n")
  }

  @Test func aModelOfTheKindsSaysWhatIsMisogynous() throws {
    let predictions = [("1.jpg", [0.1, 0.2, 0.9, 0.1]), ("2.jpg", [0, 0, 0, 0])].map {
      [Prediction(id: $0, probabilities: $1, task: subtypes)]
    }
    #expect(message { try Submission.mami.file(predictions) } == "1.jpg\t1\t0\t0\t1\t0\n2.jpg\t0\t0\t0\t0\t0\n")
    // A task of its own for the first column is believed before that.
    let misogynous = LabelTask(name: "misogynous", kind: .binary, labels: ["misogynous"])
    let both = predictions.map { [Prediction(id: $0[0].id, probabilities: [0.2], task: misogynous)] + $0 }
    #expect(message { try Submission.mami.file(both) } == "1.jpg\t0\t0\t0\t1\t0\n2.jpg\t0\t0\t0\t0\t0\n")
    let alone = both.map { [$0[0]] }
    #expect(message { try Submission.mami.file(alone) }.contains("does not predict 'shaming': give --task-a"))
    #expect(message { try Submission.mami.file(alone, taskAOnly: true) } == "1.jpg\t0\n2.jpg\t0\n")
  }

  @Test func whatCannotStandInSuchAFileIsRefused() {
    #expect(message { try Submission.mami.file([]) }.contains("no meme"))
    for id in ["a\tb", "a,b", "a\nb", "a\r\nb", ""] {
      let predictions = [[Prediction(id: id, probabilities: [0.5], task: hateful)]]
      #expect(
        message { try Submission.hatefulMemes.file(predictions) }.contains("cannot stand in such a file"), "\(id)")
    }
  }
}
