import Foundation

/// A PyTorch file taken apart: the unpickled object and where its storages lie.
struct StateDictSource {
  let file: MappedFile
  /// Holds the tables that the object's values point into.
  let machine: PickleMachine
  let root: PickleValue
  /// The bytes of each of the machine's storages.
  let storages: [Range<Int>]

  /// Reads either format, told apart by the first bytes.
  init(_ file: MappedFile) throws(CheckpointError) {
    if file.bytes.starts(with: [0x50, 0x4B, 0x03, 0x04]) {
      try self.init(archive: file)
    } else if file.bytes.first == Opcode.proto.rawValue {
      try self.init(legacy: file)
    } else {
      throw CheckpointError(
        .unsupported, file.url,
        "neither a zip archive nor a pickle; expected what torch.save writes since PyTorch 0.1.10")
    }
  }

  /// Reads the zip format: `<prefix>/data.pkl` and one `<prefix>/data/<key>` a storage.
  private init(archive file: MappedFile) throws(CheckpointError) {
    let archive = try ZipArchive(file)
    guard let prefix = archive.names.first?.split(separator: "/", omittingEmptySubsequences: false).first else {
      throw CheckpointError(.malformed, file.url, "an empty archive; expected what torch.save writes")
    }
    guard !archive.names.contains(where: { $0 == "\(prefix)/constants.pkl" || $0.hasPrefix("\(prefix)/code/") }) else {
      throw CheckpointError(
        .refused, file.url,
        "refused a TorchScript program: programs are not loaded; use the model's safetensors file from the hub")
    }
    guard let pickle = try archive.data(of: "\(prefix)/data.pkl") else {
      throw CheckpointError(
        .unsupported, file.url, "an archive without \(prefix)/data.pkl; expected what torch.save writes")
    }
    if let order = try archive.data(of: "\(prefix)/byteorder"), !file.bytes[order].elementsEqual("little".utf8) {
      throw CheckpointError(
        .unsupported, file.url, at: "entry \"\(prefix)/byteorder\"",
        "not little-endian; load and save it on a little-endian machine")
    }
    guard pickle.count <= PickleMachine.Limit.byteCount else {
      throw CheckpointError(.refused, file.url, "refused a pickle of \(pickle.count) bytes")
    }
    var machine = PickleMachine(file, pickle)
    root = try machine.run()
    guard machine.cursor.remaining == 0 else { throw machine.cursor.malformed("bytes follow the pickle's end") }
    var storages: [Range<Int>] = []
    for storage in machine.storages {
      let name = "\(prefix)/data/\(storage.key)"
      guard let range = try archive.data(of: name) else {
        throw CheckpointError(.malformed, file.url, at: "entry \"\(name)\"", "missing, but a tensor needs it")
      }
      guard storage.byteCount == range.count else {
        throw CheckpointError(
          .malformed, file.url, at: "entry \"\(name)\"",
          "\(range.count) bytes; expected \(storage.elementCount) elements of \(storage.type.rawValue)")
      }
      storages.append(range)
    }
    self.file = file
    self.machine = machine
    self.storages = storages
  }

  /// Reads the legacy format: pickles of a magic number, a version, the writer's system, the object and the storages'
  /// keys; then each storage as a 64-bit element count and its elements.
  private init(legacy file: MappedFile) throws(CheckpointError) {
    var machine = PickleMachine(file, 0..<file.bytes.count)
    guard case .wideInt([0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]) = try machine.run() else {
      throw CheckpointError(.unsupported, file.url, "a pickle, but not one of torch.save: the magic number is missing")
    }
    guard case .int(1001) = try machine.run() else {
      throw machine.cursor.malformed("an unknown version of the legacy format; expected 1001")
    }
    guard case .dictionary(let system) = try machine.run(),
      case .bool(true)? = machine.dictionaries[system]["little_endian"]
    else { throw machine.cursor.malformed("not little-endian; load and save it on a little-endian machine") }
    root = try machine.run()
    guard case .list(let keys) = try machine.run() else { throw machine.cursor.malformed("no list of storages") }
    var cursor = ByteCursor(file, machine.cursor.position..<file.bytes.count)
    var found: [Int: Range<Int>] = [:]
    for key in machine.lists[keys] {
      guard case .string(let text) = key, let number = machine.storageNumbers[text], found[number] == nil else {
        throw cursor.malformed("the list of storages has an entry twice, or one that no tensor names")
      }
      let storage = machine.storages[number]
      guard try cursor.integer(Int64.self) == storage.elementCount, let byteCount = storage.byteCount else {
        throw cursor.malformed("storage \"\(text)\" has another size than its tensors expect")
      }
      found[number] = try cursor.take(byteCount)
    }
    guard cursor.remaining == 0 else { throw cursor.malformed("\(cursor.remaining) trailing bytes") }
    var storages: [Range<Int>] = []
    for number in machine.storages.indices {
      guard let range = found[number] else {
        throw cursor.malformed("the data of storage \"\(machine.storages[number].key)\" are missing")
      }
      storages.append(range)
    }
    self.file = file
    self.machine = machine
    self.storages = storages
  }
}
