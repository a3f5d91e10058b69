import Checkpoints
import Foundation
import MemeData

/// Why a pretraining of a benchmark has no result.
struct PretrainingError: Error {
  let reason: String
}

extension BenchmarkRun {
  /// Makes sure of the pretrainings that cells need, one after the other on all cores, and returns the cells whose
  /// pretrainings have a result; the others have failed.
  func pretrained(_ cells: [BenchmarkCell]) throws -> [BenchmarkCell] {
    let needed = Set(cells.flatMap(\.needs))
    for pretraining in plan.pretrainings where needed.contains(pretraining.path) { try pretrain(pretraining) }
    return cells.filter { cell in
      do {
        _ = try digest(ofPretrainings: cell.needs)
        return true
      } catch {
        fail(cell, error)
        return false
      }
    }
  }

  /// A digest of what pretrainings are; `nil` where there are none.
  ///
  /// - Throws: ``TrainingError/invalid(_:)`` where one has failed.
  func digest(ofPretrainings paths: [String]) throws -> String? {
    guard !paths.isEmpty else { return nil }
    return Set(try paths.map(digest(ofPretraining:))).digest
  }

  private func digest(ofPretraining path: String) throws -> String {
    switch state.withLock({ $0.pretrainings[path] }) {
    case .success(let found): return found.digest
    case .failure(let error): throw TrainingError.invalid("it needs \(path), which failed: \(error.reason)")
    case nil: preconditionFailure("\(path) is needed before it is made")
    }
  }

  /// Makes sure of a pretraining and of those that it starts from; what goes wrong with it is in the outcome.
  ///
  /// - Throws: where the benchmark's own folder cannot be written.
  func pretrain(_ pretraining: BenchmarkPretraining) throws {
    guard state.withLock({ $0.pretrainings[pretraining.path] == nil }) else { return }
    for earlier in plan.pretrainings where pretraining.needs.contains(earlier.path) { try pretrain(earlier) }
    do {
      let definition = try definition(of: pretraining)
      let isChosen = plan.isChosen(pretraining)
      guard let result = try kept(pretraining, definition) ?? (isChosen ? trained(pretraining, definition) : nil) else {
        throw PretrainingError(reason: "no method that is trained needs it")
      }
      state.withLock { $0.pretrainings[pretraining.path] = .success((result, definition.digest)) }
    } catch let error as CheckpointError where error.reason == .unwritable {
      throw error
    } catch {
      let reason = Self.reason(error)
      state.withLock { $0.pretrainings[pretraining.path] = .failure(PretrainingError(reason: reason)) }
      if plan.isChosen(pretraining) { observer.observe(.pretraining(pretraining, .failed(reason: reason))) }
    }
    try writeResults()
  }

  private func definition(of pretraining: BenchmarkPretraining) throws -> PretrainingRecord.Definition {
    PretrainingRecord.Definition(
      recipe: try pretraining.recipe.yaml,
      data: try pretraining.recipe.data.map { path in
        try digest(of: URL(fileURLWithPath: path)) { try Dataset.read($0, strict: false).rowDigest }
      },
      starts: try pretraining.needs.map(digest(ofPretraining:)), files: try digest(ofFilesNamedBy: pretraining.recipe))
  }

  /// What an earlier call measured, where it finished the pretraining; `nil` where there is something to train.
  private func kept(
    _ pretraining: BenchmarkPretraining, _ definition: PretrainingRecord.Definition
  ) throws -> PretrainingResult? {
    guard let record = record(of: pretraining), record.definition == definition, let result = record.result,
      try run(of: pretraining).isWhole
    else { return nil }
    if plan.isChosen(pretraining) { observer.observe(.pretraining(pretraining, .kept(result))) }
    return result
  }

  private func trained(
    _ pretraining: BenchmarkPretraining, _ definition: PretrainingRecord.Definition
  ) throws -> PretrainingResult {
    let (files, run) = (FileManager.default, try run(of: pretraining))
    let isBegun = files.fileExists(atPath: run.folder.path)
    let isSame = isBegun && record(of: pretraining)?.definition == definition
    if isBegun, !isSame { try files.removeItem(at: run.folder) }
    try files.createDirectory(at: run.folder.deletingLastPathComponent(), withIntermediateDirectories: true)
    try write(PretrainingRecord(definition: definition), of: pretraining)
    observer.observe(.pretraining(pretraining, .started))
    let outcome = try run.execute(strict: false, resumes: isSame)
    let result = PretrainingResult(outcome, of: pretraining, isResumed: isSame)
    // In this order, so that a kill between them costs no training: what has checkpoints left goes on at their end.
    try write(PretrainingRecord(definition: definition, result: result), of: pretraining)
    try run.finish()
    observer.observe(.pretraining(pretraining, .finished(result)))
    return result
  }

  private func run(of pretraining: BenchmarkPretraining) throws -> PretrainingRun {
    try PretrainingRun(
      recipe: pretraining.recipe, folder: plan.folder.appending(path: pretraining.path),
      observer: PretrainingObserver(pretraining: pretraining, target: observer))
  }

  // MARK: Files

  private func record(of pretraining: BenchmarkPretraining) -> PretrainingRecord? {
    guard let data = FileManager.default.contents(atPath: recordFile(of: pretraining).path) else { return nil }
    return try? JSONDecoder().decode(PretrainingRecord.self, from: data)
  }

  private func write(_ record: PretrainingRecord, of pretraining: BenchmarkPretraining) throws {
    try writeAtomically(JSON.pretty(record), to: recordFile(of: pretraining))
  }

  private func recordFile(of pretraining: BenchmarkPretraining) -> URL {
    plan.folder.appending(path: "\(pretraining.path).json")
  }
}
