import Foundation
import MemeData

/// A task of Label Studio's JSON, as far as choices and notes go
/// (https://labelstud.io/guide/export#Label-Studio-JSON-format-of-annotated-tasks).
///
/// Each annotation of ours is about one task, whose name is the control's (`from_name`); a note is a text area of the name
/// `note`. Results of other kinds, such as spans of a text, ratings and relations, are left out.
struct LabelStudioTask: Codable {
  struct Data: Codable {
    var id: String?
    var image: String?
    var text: String?
    var split: String?

    enum CodingKeys: String, CodingKey { case id, image, text, split }
  }

  struct Annotation: Codable {
    struct Person: Codable {
      var email: String?
      var firstName: String?
      var lastName: String?

      enum CodingKeys: String, CodingKey {
        case email
        case firstName = "first_name"
        case lastName = "last_name"
      }
    }

    /// A person, or only the number of one.
    enum Author: Codable {
      case person(Person)
      case number(Int)

      init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let number = try? container.decode(Int.self) {
          self = .number(number)
        } else {
          self = .person(try container.decode(Person.self))
        }
      }

      func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .person(let person): try container.encode(person)
        case .number(let number): try container.encode(number)
        }
      }
    }

    struct Result: Codable {
      struct Value: Codable {
        var choices: [String]?
        var text: [String]?

        enum CodingKeys: String, CodingKey { case choices, text }
      }

      var id: String?
      var fromName: String
      var toName: String
      var type: String
      var value: Value

      enum CodingKeys: String, CodingKey {
        case id, type, value
        case fromName = "from_name"
        case toName = "to_name"
      }
    }

    var author: Author?
    var wasCancelled: Bool?
    var createdAt: String?
    var result: [Result]

    enum CodingKeys: String, CodingKey {
      case result
      case author = "completed_by"
      case wasCancelled = "was_cancelled"
      case createdAt = "created_at"
    }
  }

  var id: Int64?
  var data: Data
  var annotations: [Annotation]?

  static func encode(_ tasks: [Self]) throws -> Foundation.Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(tasks) + Foundation.Data("\n".utf8)
  }
}

extension LabelStudioTask.Data {
  /// The ids of other people's memes may be numbers.
  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    if let number = try? container.decode(Int64.self, forKey: .id) {
      id = String(number)
    } else {
      id = try container.decodeIfPresent(String.self, forKey: .id)
    }
    image = try container.decodeIfPresent(String.self, forKey: .image)
    text = try container.decodeIfPresent(String.self, forKey: .text)
    split = try container.decodeIfPresent(String.self, forKey: .split)
  }
}

extension LabelStudioTask.Annotation.Result.Value {
  /// A choice about a span of a text has that text too, as one string.
  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    choices = try container.decodeIfPresent([String].self, forKey: .choices)
    if let line = try? container.decode(String.self, forKey: .text) {
      text = [line]
    } else {
      text = try container.decodeIfPresent([String].self, forKey: .text)
    }
  }
}

/// A result, `nil` where it is of a kind that is left out.
private struct KnownResult: Decodable {
  var result: LabelStudioTask.Annotation.Result?

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: LabelStudioTask.Annotation.Result.CodingKeys.self)
    let type = try container.decodeIfPresent(String.self, forKey: .type)
    guard type == "choices" || type == "textarea" else { return }
    result = try LabelStudioTask.Annotation.Result(from: decoder)
  }
}

extension LabelStudioTask.Annotation {
  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    author = try container.decodeIfPresent(Author.self, forKey: .author)
    wasCancelled = try container.decodeIfPresent(Bool.self, forKey: .wasCancelled)
    createdAt = try container.decodeIfPresent(String.self, forKey: .createdAt)
    result = try container.decode([KnownResult].self, forKey: .result).compactMap(\.result)
  }

  /// Label Studio knows people by their mail addresses; names that are none get one of a domain that can never exist.
  private static let domain = "@memesense.invalid"

  init(task: String, choices: [String], annotator: String, note: String?, time: Date) {
    let address =
      annotator.contains("@")
      ? annotator : annotator.utf8.map { String(format: "%02x", $0) }.joined() + Self.domain
    author = .person(Person(email: address, firstName: annotator, lastName: ""))
    wasCancelled = false
    createdAt = LabelRow.format(time)
    result = [
      Result(id: "choice", fromName: task, toName: "meme", type: "choices", value: .init(choices: choices))
    ]
    if let note {
      result.append(
        Result(id: "note", fromName: "note", toName: "meme", type: "textarea", value: .init(text: [note])))
    }
  }

  /// Who made it, by the name that a person has there.
  var annotator: String? {
    switch author {
    case nil: nil
    case .number(let number): "Label Studio \(number)"
    case .person(let person):
      [person.firstName, person.lastName].compactMap { $0?.isEmpty == false ? $0 : nil }
        .joined(separator: " ").nonEmpty ?? person.email
    }
  }

  var note: String? {
    result.first { $0.type == "textarea" }?.value.text?.joined(separator: "\n")
  }
}

extension String {
  var nonEmpty: String? { isEmpty ? nil : self }
}
