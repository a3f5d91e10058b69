import MemeData
import Methods

/// Which labels of a model feed the categories of moderation services that people's programs already talk to.
///
/// It stands in a bundle's `model.json`, where it may be edited:
///
///     "categories": {
///       "moderations": { "hate": [{ "task": "harm", "label": "hateful" }] },
///       "perspective": { "TOXICITY": [{ "task": "harm", "label": "hateful" }] }
///     }
public struct CategoryMapping: Codable, Sendable, Equatable {
  /// A label that feeds a category.
  public struct Source: Codable, Sendable, Hashable {
    public var task: String
    public var label: String

    public init(task: String, label: String) {
      self.task = task
      self.label = label
    }
  }

  /// By category of OpenAI's moderation endpoint.
  public var moderations: [String: [Source]]
  /// By attribute of Perspective.
  public var perspective: [String: [Source]]

  /// The categories of `omni-moderation-latest`, in the order of OpenAI's documentation.
  public static let moderationCategories = [
    "harassment", "harassment/threatening", "hate", "hate/threatening", "illicit", "illicit/violent", "self-harm",
    "self-harm/intent", "self-harm/instructions", "sexual", "sexual/minors", "violence", "violence/graphic",
  ]

  /// Perspective's attributes for production, and its experimental ones that a picture's label may mean.
  public static let perspectiveAttributes = [
    "TOXICITY", "SEVERE_TOXICITY", "IDENTITY_ATTACK", "INSULT", "PROFANITY", "THREAT", "SEXUALLY_EXPLICIT",
    "FLIRTATION",
  ]

  /// What a word in a label's name says of its categories.
  private static let meanings: [(words: [String], moderation: String?, perspective: String?)] = [
    (["hate", "racis", "misogyn", "sexis", "stereotyp", "xenophob", "antisemit", "bigot"], "hate", "IDENTITY_ATTACK"),
    (["threat"], "harassment/threatening", "THREAT"),
    (["violen", "gore"], "violence", "THREAT"),
    (["sexual", "objectif", "nsfw", "porn", "nud"], "sexual", "SEXUALLY_EXPLICIT"),
    (["self-harm", "self harm", "selfharm", "suicid"], "self-harm", nil),
    (["drug", "weapon", "illicit", "illegal"], "illicit", nil),
    (["insult", "offens", "sham", "bully", "harass", "name calling", "smear"], "harassment", "INSULT"),
    (["profan", "obscen", "swear"], nil, "PROFANITY"),
    (["harm", "toxic", "abus"], "harassment", "TOXICITY"),
  ]

  private static let negations = ["not", "non", "no ", "none", "harmless", "inoffensive", "nontoxic"]

  /// The categories that labels' names speak of; the first meaning counts. All labels that mean harm feed `TOXICITY` where
  /// none speaks of it. Where no name says anything, the positive class of a binary task is `harassment` and `TOXICITY`.
  public init(usualFor tasks: [LabelTask]) {
    moderations = [:]
    perspective = [:]
    var harmful: [Source] = []
    for task in tasks {
      for label in task.labels {
        let name = label.lowercased().map { $0 == "_" ? " " : String($0) }.joined()
        guard !Self.negations.contains(where: name.hasPrefix),
          let meaning = Self.meanings.first(where: { $0.words.contains(where: name.contains) })
        else { continue }
        let source = Source(task: task.name, label: label)
        harmful.append(source)
        if let category = meaning.moderation { moderations[category, default: []].append(source) }
        if let attribute = meaning.perspective { perspective[attribute, default: []].append(source) }
      }
    }
    if harmful.isEmpty, let task = tasks.first(where: { $0.kind == .binary }) {
      harmful = [Source(task: task.name, label: task.labels[0])]
      moderations["harassment"] = harmful
    }
    if !harmful.isEmpty, perspective["TOXICITY"] == nil { perspective["TOXICITY"] = harmful }
  }

  /// Categories of both services, each in the order of its own.
  public typealias Names = (moderations: [String], perspective: [String])

  /// The categories that a label feeds.
  public func categories(fedBy source: Source) -> Names { categories { $0.contains(source) } }

  /// The categories that some label feeds.
  public var fed: Names { categories { !$0.isEmpty } }

  /// The categories that no label feeds, whether a file leaves them out or gives them an empty list.
  public var unfed: Names { categories(where: \.isEmpty) }

  private func categories(where matches: ([Source]) -> Bool) -> Names {
    (
      Self.moderationCategories.filter { matches(moderations[$0] ?? []) },
      Self.perspectiveAttributes.filter { matches(perspective[$0] ?? []) }
    )
  }

  /// What is wrong with a mapping that came from a file; `nil` where it fits a model of `tasks`.
  func fault(for tasks: [LabelTask]) -> String? {
    for (kind, given, known) in [
      ("moderations", moderations, Self.moderationCategories), ("perspective", perspective, Self.perspectiveAttributes),
    ] {
      for (category, sources) in given.sorted(by: { $0.key < $1.key }) {
        guard known.contains(category) else {
          return "\(kind) has no category '\(category)'; it has \(known.joined(separator: ", "))"
        }
        for source in sources {
          guard tasks.contains(where: { $0.name == source.task && $0.labels.contains(source.label) }) else {
            return
              "\(kind).\(category) names the label '\(source.label)' of the task '\(source.task)', which the model "
              + "does not have"
          }
        }
      }
    }
    return nil
  }
}

extension Prediction {
  /// How likely a category is that `sources` feed: exclusive classes of one task add up, else the likeliest label counts.
  ///
  /// - Parameter tasks: the model's, the first of which this prediction speaks of itself.
  public func score(of sources: [CategoryMapping.Source], tasks: [LabelTask]) -> Double {
    let byTask = tasks.enumerated().map { index, task in
      let part = index == 0 ? self : self.tasks?[task.name]
      let found = sources.filter { $0.task == task.name }.compactMap { part?.probabilities[$0.label] }
      return task.kind == .multiclass ? min(1, found.reduce(0, +)) : found.max() ?? 0
    }
    return byTask.max() ?? 0
  }
}
