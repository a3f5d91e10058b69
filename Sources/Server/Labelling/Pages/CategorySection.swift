import MemeData
import Training

/// Which labels of a model feed the categories that `memesense serve` answers with in the shapes of other services.
struct CategorySection {
  var model: ModelFacts

  var html: HTML {
    """
    <section id="categories"><h2>Categories of other services</h2>
    <p>Served by <code>memesense serve</code>, the model also answers programs that were written for OpenAI’s moderation
    endpoint (<code>POST /v1/moderations</code>) or for Perspective (<code>comments:analyze</code>). Which label feeds which of
    their categories is changed under <code>categories</code> in <code>\(model.name)/model.json</code>, which a service reads
    when it starts; a new training keeps the change.</p>
    \(table)
    <p class="faint">Of exclusive classes that feed one category the probabilities add up; of other labels the likeliest
    counts. A category of OpenAI’s is flagged above 50 %.</p>
    \(unfed)</section>
    """
  }

  private var table: HTML {
    let rows = model.tasks.flatMap { task in
      task.labels.map { label -> HTML in
        let fed = model.categories.categories(fedBy: .init(task: task.name, label: label))
        let name = model.tasks.count > 1 ? "\(task.name): \(label)" : label
        return """
          <tr><th scope="row">\(name)</th><td>\(Self.cell(fed.moderations))</td><td>\(Self.cell(fed.perspective))</td></tr>
          """
      }
    }
    return """
      <div class="names" tabindex="0" role="region" aria-label="Categories"><table><caption class="hidden">Categories of other services that each label feeds</caption>
      <thead><tr><th scope="col">Label</th><th scope="col">OpenAI’s categories</th>
      <th scope="col">Perspective’s attributes</th></tr></thead><tbody>\(rows)</tbody></table></div>
      """
  }

  /// What is answered for the categories that no label feeds; `nil` where each is fed.
  private var unfed: HTML? {
    let unfed = model.categories.unfed
    let answers: [(names: [String], service: String, answer: String)] = [
      (
        unfed.moderations, "OpenAI’s",
        "The score is 0, the category is never flagged, and the answer says that it was applied to nothing."
      ),
      (
        unfed.perspective, "Perspective’s",
        "A request for one of them is refused with status 400 and told which ones the model scores."
      ),
    ]
    let items = answers.filter { !$0.names.isEmpty }.map { each -> HTML in
      "<dt>\(each.service) \(Self.list(each.names))</dt><dd>\(each.answer)</dd>"
    }
    return items.isEmpty ? nil : "<h3>Fed by no label</h3>\n<dl>\(items)</dl>"
  }

  private static func cell(_ names: [String]) -> HTML {
    names.isEmpty ? "<span class=\"faint\">none</span>" : list(names)
  }

  private static func list(_ names: [String]) -> HTML {
    names.dropFirst().reduce(code(names[0])) { list, name in "\(list), \(code(name))" }
  }

  /// A name that a narrow screen may break after what joins its words.
  private static func code(_ name: String) -> HTML {
    let pieces = name.map { character -> HTML in
      "/_".contains(character) ? "\(String(character))<wbr>" : "\(String(character))"
    }
    return "<code>\(pieces)</code>"
  }
}
