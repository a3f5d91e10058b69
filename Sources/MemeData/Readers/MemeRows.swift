import Foundation

/// A row as a reader understands it, before its image is sought and its id compared with the others.
struct MemeDraft {
  var id: String
  var image: ImageName
  var text: String?
  var labels: [String: Label] = [:]
  var split: Split?
}

/// Gathers the memes of a dataset: finds images, refuses duplicate ids, turns faults into problems.
struct MemeRows {
  private let folder: DatasetFolder
  private var ids: Set<String> = []
  private(set) var memes: [Meme] = []
  private(set) var problems: [RowProblem] = []

  init(_ folder: DatasetFolder) {
    self.folder = folder
  }

  /// Reads every row of an annotations file.
  ///
  /// - Parameters:
  ///   - file: The file and the split of its rows, unless a draft says another.
  ///   - imageFolders: Where images may lie besides the file's own folder, the root, `images` and `img`.
  ///   - draft: What the layout makes of one row.
  ///   - kept: Told of every row that became a meme.
  mutating func read(
    _ file: AnnotationsFile, imageFolders: [String] = [], draft: (Record) throws(RowFault) -> MemeDraft,
    kept: (Meme, Record) -> Void = { _, _ in }
  ) throws(DatasetError) {
    var folders = [file.path.split(separator: "/").dropLast().joined(separator: "/")]
    for name in imageFolders + ["", "images", "img"] where !folders.contains(name) { folders.append(name) }
    var records = try folder.records(of: file.path)
    while let next = records.next() {
      switch next {
      case .failure(let problem):
        problems.append(problem)
      case .success(let record):
        add(record, split: file.split, imageFolders: folders, draft: draft, kept: kept)
      }
    }
  }

  /// Adds what a layout makes of one row, or the row's fault.
  ///
  /// - Parameter imageFolders: Every folder that the image may lie in.
  mutating func add(
    _ record: Record, split: Split?, imageFolders: [String], draft: (Record) throws(RowFault) -> MemeDraft,
    kept: (Meme, Record) -> Void = { _, _ in }
  ) {
    do throws(RowFault) {
      kept(try add(try draft(record), from: record, split: split, imageFolders: imageFolders), record)
    } catch {
      problems.append(record.problem(error.message))
    }
  }

  mutating func report(_ problem: RowProblem) {
    problems.append(problem)
  }

  /// Changes or drops memes after all rows are known.
  mutating func revise(_ change: (Meme) -> Result<Meme, RowProblem>) {
    var kept: [Meme] = []
    kept.reserveCapacity(memes.count)
    for meme in memes {
      switch change(meme) {
      case .success(let meme): kept.append(meme)
      case .failure(let problem): problems.append(problem)
      }
    }
    memes = kept
  }

  func contents(tasks: [LabelTask]) -> DatasetContents {
    DatasetContents(tasks: tasks, memes: memes, problems: problems)
  }

  private mutating func add(
    _ draft: MemeDraft, from record: Record, split: Split?, imageFolders: [String]
  ) throws(RowFault) -> Meme {
    guard !ids.contains(draft.id) else { throw RowFault("the id '\(draft.id)' stands in an earlier row too") }
    var image: URL?
    var fault: RowFault?
    switch draft.image {
    case .none: break
    case .missing(let field): fault = RowFault("field '\(field)' is missing")
    case .file(let name):
      image = try folder.image(named: name, in: imageFolders)
      if image == nil { fault = RowFault("image '\(name)' is not in the dataset folder") }
    }
    guard draft.text != nil || image != nil else { throw fault ?? RowFault("neither image nor text") }
    if let fault { problems.append(record.problem(fault.message + "; the meme is kept with its text alone")) }
    ids.insert(draft.id)
    let meme = Meme(
      id: draft.id, image: image, text: draft.text, labels: draft.labels, split: draft.split ?? split)
    memes.append(meme)
    return meme
  }
}
