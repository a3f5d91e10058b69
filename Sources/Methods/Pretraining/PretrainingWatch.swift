// What is looked at while networks are pretrained.
//
// Shapes: N pictures, D features.
import Encoders
import MemeData
import Torch

/// The memes that tell how a pretraining goes, as rows of its features; all have a picture.
public struct PretrainingProbe: Sendable {
  /// Some of those that are trained on.
  public var sample: [Int]
  /// The labelled few and what they are. The loss never sees them.
  public var labelled: [(meme: Int, isPositive: Bool)]

  public init(sample: [Int], labelled: [(meme: Int, isPositive: Bool)]) {
    self.sample = sample
    self.labelled = labelled
  }
}

/// Measures after each epoch whether networks collapse and what their features tell of the labelled few.
struct PretrainingWatch {
  /// A network in training.
  struct Network {
    /// Begins the names of what is measured of it.
    let name: String
    /// Features [N, D] of pictures as the network sees them when it is used.
    let vectors: (Tensor) -> Tensor
    /// What else is measured, from features of whole pictures [N, D].
    let further: (Tensor) -> [String: Double]
  }

  private let networks: [Network]
  private let input: PictureInput
  private let pictures: PictureBlock
  private let side: Int
  /// Two views [M, 3, S, S] of some of the sample.
  private let views: [Tensor]
  private let probe: PretrainingProbe
  /// Says of the measures of a network what is wrong and what to change; `nil` where nothing is.
  private let advice: (_ network: String, _ measure: (String) -> Double) -> String?
  /// What was measured when the watch began.
  let before: StageObservation

  /// Memes with both modalities of which is watched what networks make of them. With a quarter of them a guess would often
  /// pass for more.
  private static let watchedTexts = 256
  /// Pictures that a network sees at once.
  private static let batch = 64
  /// Memes whose views are compared.
  private static let viewed = 128
  /// The part of the first spread of features below which they count as collapsed.
  private static let leastSpread = 0.1

  /// Of memes with both modalities those that are watched, as many together as a network sees at once.
  static func watched(of memes: [Int]) -> [[Int]] {
    let watched = memes.prefix(watchedTexts)
    return parts(watched.count).map { Array(watched[$0]) }
  }

  private static func parts(_ count: Int) -> [Range<Int>] {
    stride(from: 0, to: count, by: batch).map { $0..<min($0 + batch, count) }
  }

  /// - Parameters:
  ///   - side: Rows and columns of the pictures that the networks are trained on.
  ///   - device: Of the networks.
  ///   - pipeline: Makes the views whose likeness is measured.
  init(
    _ networks: [Network], on pictures: PictureBlock, side: Int, pipeline: AugmentationPipeline,
    probe: PretrainingProbe, seed: UInt64, device: Device,
    advice: @escaping (_ network: String, _ measure: (String) -> Double) -> String?
  ) throws {
    self.networks = networks
    input = PictureInput.imageNet(on: device)
    self.pictures = pictures
    self.side = side
    let made = PictureViews(of: pictures, pipeline, side: side, seed: seed, stage: "watch")
    views = (0..<2).map { made(Array(probe.sample.prefix(Self.viewed)), epoch: 0, view: $0) }
    self.probe = probe
    self.advice = advice
    before = StageObservation(
      measures: try Self.measures(networks, input, pictures: pictures, side: side, views: views, probe: probe))
  }

  func callAsFunction() throws -> StageObservation {
    let measures = try Self.measures(networks, input, pictures: pictures, side: side, views: views, probe: probe)
    let warnings = networks.compactMap { network -> String? in
      func measure(_ name: String) -> Double { measures["\(network.name)_\(name)"] ?? .nan }
      guard !measure("deviation").isNaN else {
        return "the features of \(network.name) are no longer numbers, and nothing can be made of them: lower "
          + "settings.training.learning_rate"
      }
      let first = before.measures["\(network.name)_deviation"] ?? .nan
      if measure("deviation") < Self.leastSpread * first {
        return "the features of \(network.name) collapse: their deviation is \(rounded(measure("deviation"))) and was "
          + "\(rounded(first)) at first; lower settings.training.learning_rate, raise settings.training.batch_size, or "
          + "begin at trained weights (--init)"
      }
      return advice(network.name, measure)
    }
    return StageObservation(measures: measures, warnings: warnings)
  }

  private static func measures(
    _ networks: [Network], _ input: PictureInput, pictures: PictureBlock, side: Int, views: [Tensor],
    probe: PretrainingProbe
  ) throws -> [String: Double] {
    try withoutGrad {
      var measures: [String: Double] = [:]
      for network in networks {
        func features(_ bytes: Tensor) -> Tensor {
          network.vectors(input(bytes)).to(.float32)
        }
        func whole(_ memes: [Int]) -> Tensor {
          .concatenated(
            parts(memes.count).map {
              features(pictures.gathered(Array(memes[$0])).resizedBicubic(height: side, width: side))
            }, along: 0)
        }
        let sample = whole(probe.sample)
        guard sample.isFinite else { continue }
        var found = network.further(sample)
        found["deviation"] = CollapseWatch.deviation(sample)
        found["uniformity"] = CollapseWatch.uniformity(sample)
        let pair = views.map { views in
          Tensor.concatenated(parts(views.shape[0]).map { features(views.sliced($0)) }, along: 0)
        }
        found["alignment"] = CollapseWatch.alignment(pair[0], pair[1])
        if !probe.labelled.isEmpty {
          let (features, labels) = (whole(probe.labelled.map(\.meme)), probe.labelled.map(\.isPositive))
          found["neighbour_auroc"] = try CollapseWatch.neighbourAUROC(features, labels: labels)
          found["linear_auroc"] = try CollapseWatch.linearAUROC(features, labels: labels)
        }
        // What has no value, such as the uniformity of equal vectors, cannot be written as JSON.
        for (name, value) in found where value.isFinite { measures["\(network.name)_\(name)"] = value }
      }
      return measures
    }
  }
}

/// A measure as people read it.
func rounded(_ value: Double) -> Double { (value * 1000).rounded() / 1000 }
