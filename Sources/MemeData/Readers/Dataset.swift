import Foundation

/// Labelled memes as a dataset folder holds them, with the questions asked of them and the rows that could not be read.
public struct Dataset: Sendable {
  /// The name of the folder.
  public var name: String
  /// The folder that every image lies in.
  public var root: URL
  /// The published layout that the folder follows.
  public var format: DatasetFormat
  /// The questions asked of the memes, in a fixed order for each format.
  public var tasks: [LabelTask]
  /// The memes in the order of the annotation files: train, validation, test.
  public var memes: [Meme]
  /// What was wrong with single rows; everything else was loaded.
  public var problems: [RowProblem]

  public init(
    name: String, root: URL, format: DatasetFormat, tasks: [LabelTask], memes: [Meme], problems: [RowProblem] = []
  ) {
    self.name = name
    self.root = root
    self.format = format
    self.tasks = tasks
    self.memes = memes
    self.problems = problems
  }

  /// Reads a dataset folder, or one annotations file, in whichever published layout it follows.
  ///
  /// A row that cannot be read becomes a ``RowProblem`` and the rest loads. A row whose image file is missing keeps its
  /// text and loses its image; without a text it is left out. Symbolic links are followed, but an image path that
  /// leaves the folder by its own text (`..`, or an absolute path) is refused.
  ///
  /// - Parameters:
  ///   - url: A folder, or one annotations file whose images lie beside it (or beside its `annotations` folder).
  ///   - strict: Whether a single bad row fails the whole reading.
  /// - Throws: ``DatasetError`` when nothing is there, no layout fits, a file cannot be read, no meme is left, or
  ///   (strict) a row is bad.
  public static func read(_ url: URL, strict: Bool = false) throws(DatasetError) -> Dataset {
    let folder = try DatasetFolder(url)
    for reader in DatasetFormat.allCases.map(\.reader) where try reader.recognises(folder) {
      let contents = try reader.read(folder)
      if strict, !contents.problems.isEmpty { throw .badRows(contents.problems) }
      if contents.memes.isEmpty { throw .noMemes(url, contents.problems) }
      return Dataset(
        name: folder.root.lastPathComponent, root: folder.root, format: reader.format, tasks: contents.tasks,
        memes: contents.memes, problems: contents.problems)
    }
    throw .unrecognised(url, lookedFor: DatasetFormat.allCases.map { "\($0.title): \($0.reader.layout)" })
  }
}

/// The layouts that datasets of memes are published in.
public enum DatasetFormat: String, Sendable, Codable, CaseIterable {
  case huggingFace = "hugging-face"
  case hatefulMemes = "hateful-memes"
  case harmeme
  case mami
  case memotion
  case mmhs150k
  case multioff
  case propaganda

  /// The name that people know the layout by.
  public var title: String {
    switch self {
    case .huggingFace: "Hugging Face"
    case .hatefulMemes: "Hateful Memes"
    case .harmeme: "HarMeme"
    case .mami: "MAMI"
    case .memotion: "Memotion 7k"
    case .mmhs150k: "MMHS150K"
    case .multioff: "MultiOFF"
    case .propaganda: "SemEval-2021 propaganda"
    }
  }

  var reader: any DatasetReader.Type {
    switch self {
    case .huggingFace: HuggingFaceReader.self
    case .hatefulMemes: HatefulMemesReader.self
    case .harmeme: HarMemeReader.self
    case .mami: MAMIReader.self
    case .memotion: MemotionReader.self
    case .mmhs150k: MMHS150KReader.self
    case .multioff: MultiOFFReader.self
    case .propaganda: PropagandaReader.self
    }
  }
}
