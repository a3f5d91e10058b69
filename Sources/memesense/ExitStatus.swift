import ArgumentParser
import Checkpoints
import Encoders
import Foundation
import LabelStore
import MemeData
import Methods
import Metrics
import Report
import Server
import TextRecognition
import Training

/// The exit status of a failure, by whose fault it was (sysexits.h).
enum ExitStatus {
  /// ArgumentParser knows what to print and how to exit.
  case parser
  /// Done, but not all of it.
  case incomplete
  case usage
  case badData
  case missingInput
  case fault
  /// The machine has not what was asked of it: memory.
  case exhausted

  init(of error: any Error) {
    switch error {
    case is IncompleteBenchmark: self = .incomplete
    case is RecipeError, is MethodError, EncoderError.invalidIndex: self = .usage
    case let error as TrainingError: self = ExitStatus(of: error)
    case ServerError.cannotListen: self = .usage
    case ServerError.unusableKeys: self = .badData
    case DatasetError.notFound, ScoreFileError.unreadable: self = .missingInput
    case is DatasetError, is DatasetWriteError, is ScoreFileError: self = .badData
    case let error as CheckpointError: self = error.reason == .missing ? .missingInput : .badData
    case ImageError.unreadable: self = .missingInput
    case RecognitionError.missingLanguage: self = .missingInput
    case RecognitionError.damagedMemory: self = .badData
    case LabelStoreError.notFound: self = .missingInput
    case LabelStoreError.unknown, LabelStoreError.invalidAnnotator: self = .usage
    case is LabelStoreError: self = .badData
    case DemoCorpusError.exists: self = .usage
    case DemoCorpusError.missingFont: self = .missingInput
    case is DemoCorpusError: self = .badData
    case MetricError.unknownMetric, MetricError.metricUnavailable: self = .usage
    case is MetricError, is ImageError, is LabelRatioError: self = .badData
    case EncoderError.unknown, EncoderError.unknownVariant, EncoderError.unknownNetwork, EncoderError.noTextNetwork,
      EncoderError.otherBackbone,
      EncoderError.tooManySides, EncoderError.noTokenStates,
      EncoderError.noRegions, EncoderError.readsTextsAlone, EncoderError.seesPicturesAlone, EncoderError.noFirstToken:
      self = .usage
    case EncoderError.hub(_, let fault): self = ExitStatus(of: fault)
    case EncoderError.notPretrained, EncoderError.missingFiles, EncoderError.downloadFailed: self = .missingInput
    case ChartLibraryError.missing: self = .missingInput
    case is ChartLibraryError: self = .badData
    case is EncoderError, is WordPieceError, is CLIPTokenizerError, is SentencePieceError: self = .badData
    case let error as CocoaError where error.code == .fileReadNoSuchFile: self = .missingInput
    case is CocoaError: self = .badData
    // Help, versions and wrong options are ArgumentParser's own; it calls everything it does not know a failure.
    default: self = Memesense.exitCode(for: error) == .failure ? .fault : .parser
    }
  }

  private init(of fault: HubFault) {
    switch fault {
    case .invalidName, .invalidEndpoint: self = .usage
    case .notCached, .offline, .refused, .notFound, .unreachable: self = .missingInput
    case .unexpectedAnswer, .noEncoder, .damaged: self = .badData
    }
  }

  private init(of error: TrainingError) {
    switch error {
    case .unknownTask, .outputExists, .recipeChanged, .dataChanged, .filesChanged, .noLabels, .dataUnnamed, .invalid:
      self = .usage
    case .notARun: self = .missingInput
    case .diverged, .unusableCheckpoint, .noMemes: self = .badData
    }
  }

  var code: Int32 {
    switch self {
    case .incomplete: 1
    case .parser, .usage: 64
    case .badData: 65
    case .missingInput: 66
    case .fault: 70
    case .exhausted: 71
    }
  }

  static func message(of error: any Error) -> String {
    if let error = error as? CocoaError {
      // Foundation's description does not say which file.
      return [error.filePath, error.localizedDescription].compactMap(\.self).joined(separator: ": ")
    }
    return String(describing: error)
  }
}
