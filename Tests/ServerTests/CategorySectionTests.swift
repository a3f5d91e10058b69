import Foundation
import MemeData
import Testing
import Training

@testable import Server

/// What the model's page says of the categories of other services.
@Suite struct CategorySectionTests {
  private let harm = LabelTask(name: "harm <i>", kind: .multiclass, labels: ["harmless", "hateful", "\"violent\""])
  private let tone = LabelTask(name: "tone", kind: .binary, labels: ["sexual"])

  private func facts(_ tasks: [LabelTask], _ change: (inout CategoryMapping) -> Void = { _ in }) -> ModelFacts {
    var categories = CategoryMapping(usualFor: tasks)
    change(&categories)
    return ModelFacts(name: "run & 1", version: "1", tasks: tasks, categories: categories)
  }

  /// The text of each cell, row by row, as it is read.
  private func rows(_ page: String) throws -> [[String]] {
    let body = try #require(page.firstMatch(of: /(?s)<tbody>(.*)<\/tbody>/)).1
    return body.matches(of: /(?s)<tr>(.*?)<\/tr>/).map { row in
      row.1.matches(of: /(?s)<t[hd][^>]*>(.*?)<\/t[hd]>/).map { String($0.1).replacing(/<[^>]*>/, with: "") }
    }
  }

  @Test func everyLabelStandsBesideWhatItFeeds() throws {
    let page = CategorySection(model: facts([harm])).html.text
    #expect(
      try rows(page) == [
        ["harmless", "none", "none"], ["hateful", "hate", "TOXICITY, IDENTITY_ATTACK"],
        ["&quot;violent&quot;", "violence", "TOXICITY, THREAT"],
      ])
    #expect(page.contains("<code>run &amp; 1/model.json</code>"))
  }

  @Test func whatAFileSaysIsShownInTheOrderOfTheService() throws {
    let source = CategoryMapping.Source(task: "tone", label: "sexual")
    let page = CategorySection(
      model: facts([tone]) {
        $0.moderations = ["violence": [source], "harassment": [source], "sexual": []]
        $0.perspective = [:]
      }
    ).html.text
    #expect(try rows(page) == [["sexual", "harassment, violence", "none"]])
  }

  @Test func labelsOfSeveralTasksNameTheirTask() throws {
    let page = CategorySection(model: facts([harm, tone])).html.text
    #expect(
      try rows(page).map { $0[0] } == [
        "harm &lt;i&gt;: harmless", "harm &lt;i&gt;: hateful", "harm &lt;i&gt;: &quot;violent&quot;", "tone: sexual",
      ])
    #expect(!page.contains("<i>"))
  }

  @Test func categoriesWithoutALabelAreListedWithWhatIsAnswered() throws {
    let page = CategorySection(model: facts([harm])).html.text
    let terms = page.matches(of: /(?s)<dt>(.*?)<\/dt>/).map { String($0.1).replacing(/<[^>]*>/, with: "") }
    #expect(
      terms == [
        "OpenAI’s harassment, harassment/threatening, hate/threatening, illicit, illicit/violent, self-harm, "
          + "self-harm/intent, self-harm/instructions, sexual, sexual/minors, violence/graphic",
        "Perspective’s SEVERE_TOXICITY, INSULT, PROFANITY, SEXUALLY_EXPLICIT, FLIRTATION",
      ])
    let source = CategoryMapping.Source(task: "tone", label: "sexual")
    let all = CategorySection(
      model: facts([tone]) { mapping in
        for name in CategoryMapping.moderationCategories { mapping.moderations[name] = [source] }
        for name in CategoryMapping.perspectiveAttributes { mapping.perspective[name] = [source] }
      }
    ).html.text
    #expect(!all.contains("<dl>") && !all.contains("Fed by no label"))
  }

  /// The page says that such a request is refused, also where the file has an empty list.
  @Test func anAttributeThatNoLabelFeedsIsRefused() throws {
    let model = facts([tone]) { $0.perspective["THREAT"] = [] }
    let body = RequestBodyContent(
      bytes: Array(#"{"comment":{"text":"x"},"requestedAttributes":{"THREAT":{}}}"#.utf8),
      contentType: "application/json")
    #expect {
      try PerspectiveFormat.understand(body, for: model, limits: ServerSettings().requestLimits)
    } throws: { error in
      guard let error = error as? APIError else { return false }
      return error.status == .badRequest && error.message.contains("it scores TOXICITY, SEXUALLY_EXPLICIT")
    }
  }

  @Test func thePageHasCategoriesOnceThereIsAModel() {
    var page = ModelPage(task: tone, tasks: [harm, tone], runs: [], labelled: 0, state: .idle)
    #expect(!page.page.html.text.contains("id=\"categories\""))
    page.model = facts([tone])
    #expect(page.page.html.text.contains("<section id=\"categories\">"))
  }
}
