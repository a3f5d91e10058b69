import Foundation
import MemeData

/// A label as files and the database write it: a truth value, a class's name, or a list of label names.
enum LabelText: Codable, Equatable {
  case flag(Bool)
  case name(String)
  case names([String])

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let flag = try? container.decode(Bool.self) {
      self = .flag(flag)
    } else if let number = try? container.decode(Int.self) {
      self = .name(String(number))
    } else if let name = try? container.decode(String.self) {
      self = .name(name)
    } else {
      self = .names(try container.decode([String].self))
    }
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .flag(let flag): try container.encode(flag)
    case .name(let name): try container.encode(name)
    case .names(let names): try container.encode(names)
    }
  }

  /// As JSON.
  var json: String {
    get throws {
      let encoder = JSONEncoder()
      encoder.outputFormatting = .withoutEscapingSlashes
      return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
  }

  init(json: String) throws { self = try JSONDecoder().decode(Self.self, from: Data(json.utf8)) }

  /// As a cell of a table: a list is written as JSON.
  var cell: String {
    get throws {
      switch self {
      case .flag(let flag): flag ? "true" : "false"
      case .name(let name): name
      case .names: try json
      }
    }
  }

  /// Reads a cell; what begins like a list and is none is a name.
  init(cell: String) {
    if cell.hasPrefix("["), let names = try? JSONDecoder().decode([String].self, from: Data(cell.utf8)) {
      self = .names(names)
    } else {
      self = .name(cell)
    }
  }
}

extension LabelTask {
  /// What a binary task's negative answer is called.
  public var negativeName: String { "not \(labels[0])" }

  /// A label of this task as text.
  func text(of label: Label) throws(LabelStoreError) -> LabelText {
    switch (label, kind) {
    case (.binary(let flag), .binary): return .flag(flag)
    case (.multiclass(let index), .multiclass) where labels.indices.contains(index): return .name(labels[index])
    case (.multilabel(let flags), .multilabel) where flags.count == labels.count:
      return .names(zip(labels, flags).filter(\.1).map(\.0))
    default: throw unfit
    }
  }

  /// Reads a label of this task.
  func label(of text: LabelText) throws(LabelStoreError) -> Label {
    switch (text, kind) {
    case (.flag(let flag), .binary): return .binary(flag)
    case (.name(let name), .binary):
      if name == labels[0] || name == "1" || name.lowercased() == "true" { return .binary(true) }
      if name == negativeName || name == "0" || name.lowercased() == "false" { return .binary(false) }
    case (.names(let names), .binary) where names == [labels[0]]: return .binary(true)
    case (.names(let names), .binary) where names == [negativeName]: return .binary(false)
    case (.name(let name), .multiclass):
      if let index = labels.firstIndex(of: name) { return .multiclass(index) }
    case (.names(let names), .multiclass) where names.count == 1:
      if let index = labels.firstIndex(of: names[0]) { return .multiclass(index) }
    case (.names(let names), .multilabel) where names.allSatisfy(labels.contains):
      return .multilabel(labels.map(names.contains))
    case (.name(let name), .multilabel) where labels.contains(name): return .multilabel(labels.map { $0 == name })
    default: break
    }
    throw unfit
  }

  /// The names of what a person can choose, a binary task's negative answer last.
  public var choices: [String] { kind == .binary ? [labels[0], negativeName] : labels }

  /// The label that a person means by chosen names.
  public func label(choosing names: [String]) throws(LabelStoreError) -> Label { try label(of: .names(names)) }

  /// The names that a label of this task stands for, of ``choices``.
  public func chosenNames(of label: Label) -> [String] {
    switch label {
    case .binary(let flag): [flag ? labels[0] : negativeName]
    case .multiclass(let index): [labels[index]]
    case .multilabel(let flags): zip(labels, flags).filter(\.1).map(\.0)
    }
  }

  private var unfit: LabelStoreError {
    let expected =
      switch kind {
      case .binary: "'\(labels[0])' or '\(negativeName)' (or true, false)"
      case .multiclass: "one of \(labels.joined(separator: ", "))"
      case .multilabel: "a list of some of \(labels.joined(separator: ", "))"
      }
    return .unfitLabel(task: name, expected: expected)
  }
}
