import Audit
import MemeData
import Report

extension AuditReport {
  /// Counts first, then the worst examples, then what to do next.
  func text(path: String) -> String {
    let examples = [pairExamples, conflictExamples, brokenExamples, rareExamples, suspicionExamples].compactMap { $0 }
    return (["\(dataset) (\(format.title))", counts] + examples + [advice(path: path)]).joined(separator: "\n\n")
  }

  private static let exampleLimit = 10

  /// Counts of everything that is looked for, zeros included: nothing found is a finding.
  private var counts: String {
    var table = TextTable(columns: [
      "found", .init("count", alignment: .right), .init("remark", alignment: .left, maximumWidth: 70),
    ])
    func row(_ name: String, _ count: Int, _ remark: String = "") { table.append([name, "\(count)", remark]) }
    let total = parts.reduce(0) { $0 + $1.memes }
    row("memes", total, parts.map { "\($0.memes) \(Self.name($0.split))" }.joined(separator: ", "))
    row("rows that cannot be used as they are", rowProblems.count, rowProblems.isEmpty ? "" : "see data inspect")
    row("memes without text", emptyTexts.count)
    row("memes without picture", images.missing.count)
    row("broken pictures", images.broken.count)
    row("pictures too plain to compare", images.lowQuality, "only copies to the byte are found")
    row("exact duplicates across splits", count(.exact, isAcross: true), splitsText(.exact))
    row("near duplicates across splits", count(.near, isAcross: true), splitsText(.near))
    row("exact duplicates within a split", count(.exact, isAcross: false))
    row("near duplicates within a split", count(.near, isAcross: false))
    row("leaking memes", leaks.count, leakText)
    row("texts with contradicting labels", textConflicts.count, perTask(textConflicts.map(\.task)))
    row("rare labels", rareLabels.count, "borne by less than \(Int(Self.rareShare * 100)) % of the labelled memes")
    if let suspiciousLabels {
      row(
        "suspicious labels", suspiciousLabels.suspicions.count,
        "of \(suspiciousLabels.examples); about \(Int(suspiciousLabels.estimatedErrors.rounded())) are estimated wrong")
    }
    return table.text
  }

  private func splitsText(_ kind: Duplicates.Kind) -> String {
    pairCounts.filter { $0.splits[0] != $0.splits[1] }.compactMap { pair in
      let count = kind == .exact ? pair.exact : pair.near
      return count == 0 ? nil : "\(count) \(Self.name(pair.splits[0]))–\(Self.name(pair.splits[1]))"
    }.joined(separator: ", ")
  }

  private var leakText: String {
    guard let test = parts.first(where: { $0.split == .test }), touchedTestMemes > 0 else { return "" }
    let intoTest = leaks.count { $0.into == .test }
    return "\(intoTest) into test, where \(touchedTestMemes) of \(test.memes) memes have a double"
  }

  private func perTask(_ tasks: [String]) -> String {
    guard Set(tasks).count > 1 else { return tasks.first.map { "of '\($0)'" } ?? "" }
    return Dictionary(grouping: tasks) { $0 }.sorted { $0.key < $1.key }.map { "\($0.value.count) of '\($0.key)'" }
      .joined(separator: ", ")
  }

  private static func name(_ split: Split?) -> String { split?.rawValue ?? "unsplit" }

  // MARK: Examples

  private static let idColumn = TextTable.Column("id", maximumWidth: 32)

  private var pairExamples: String? {
    guard !pairs.isEmpty else { return nil }
    var table = TextTable(columns: [
      "split", Self.idColumn, "split", Self.idColumn, .init("bits apart", alignment: .right), "labels differ",
    ])
    for pair in pairs.prefix(Self.exampleLimit) {
      table.append([
        Self.name(pair.splits[0]), pair.ids[0], Self.name(pair.splits[1]), pair.ids[1],
        pair.kind == .exact ? "same file" : "\(pair.distance)", pair.differingTasks.joined(separator: ", "),
      ])
    }
    return "Duplicates, the worst first:\n\n\(table.text)"
  }

  private var conflictExamples: String? {
    guard !textConflicts.isEmpty else { return nil }
    var table = TextTable(columns: [
      "task", .init("text", maximumWidth: 40), .init("memes with each label", maximumWidth: 60),
    ])
    for conflict in textConflicts.prefix(Self.exampleLimit) {
      let labels = Dictionary(grouping: conflict.memes, by: \.label).sorted { $0.key < $1.key }.map { label, memes in
        "\(label): \(memes.prefix(2).map(\.id).joined(separator: ", "))\(memes.count > 2 ? " and \(memes.count - 2) more" : "")"
      }
      table.append([conflict.task, conflict.text, labels.joined(separator: "; ")])
    }
    return "The same text, labelled otherwise:\n\n\(table.text)"
  }

  private var brokenExamples: String? {
    guard !images.broken.isEmpty else { return nil }
    var table = TextTable(columns: [Self.idColumn, .init("reason", maximumWidth: 90)])
    for image in images.broken.prefix(Self.exampleLimit) { table.append([image.id, image.reason]) }
    return "Broken pictures:\n\n\(table.text)"
  }

  private var rareExamples: String? {
    guard !rareLabels.isEmpty else { return nil }
    var table = TextTable(columns: [
      "task", "label", .init("memes", alignment: .right), .init("share", alignment: .right),
    ])
    for label in rareLabels.prefix(Self.exampleLimit) {
      let permille = Int((label.share * 1000).rounded())
      table.append([label.task, label.label, "\(label.memes)", "\(permille / 10).\(permille % 10) %"])
    }
    return "Rare labels:\n\n\(table.text)"
  }

  private var suspicionExamples: String? {
    guard let suspiciousLabels, !suspiciousLabels.suspicions.isEmpty else { return nil }
    var table = TextTable(columns: [
      "split", Self.idColumn, "labelled", "probably", .init("believed", alignment: .right),
    ])
    for suspicion in suspiciousLabels.suspicions.prefix(Self.exampleLimit) {
      let percent = Int((suspicion.selfConfidence * 100).rounded())
      table.append([
        Self.name(suspicion.split), suspicion.id, suspicion.given, suspicion.suggested, "\(percent) %",
      ])
    }
    return "Labels of '\(suspiciousLabels.task)' that models trained without them do not believe:\n\n\(table.text)"
  }

  // MARK: Advice

  private func advice(path: String) -> String {
    var steps: [String] = []
    if !leaks.isEmpty {
      steps.append(
        "Scores on leaking splits are too good. Train and evaluate without the leaks:\n"
          + "    memesense data audit \(path) --fix clean.jsonl\n"
          + "    memesense train --data \(path) --split-file clean.jsonl …")
    }
    if !images.broken.isEmpty { steps.append("Fetch the broken pictures again; until then they count as missing.") }
    if !textConflicts.isEmpty {
      steps.append("Look at the contradicting labels: is it the picture that makes them differ?")
    }
    if !rareLabels.isEmpty {
      steps.append("Draw few labels by class, so that rare ones are among them: train --set sampling=stratified")
    }
    if let suspiciousLabels, !suspiciousLabels.suspicions.isEmpty {
      steps.append("Read the suspicious labels again, from the top; --json lists all.")
    } else if suspiciousLabels == nil {
      steps.append("Ask for suspicious labels too: data audit \(path) --task TASK --labels")
    }
    return "What to do next:\n" + steps.map { "  - \($0)" }.joined(separator: "\n")
  }
}
