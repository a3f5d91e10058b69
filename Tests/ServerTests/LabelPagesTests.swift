import Audit
import Foundation
import LabelStore
import MemeData
import Testing

@testable import Server

/// The pages of labels over the loopback, as a browser and as others ask for them.
@Suite(.serialized, .timeLimit(.minutes(5))) struct LabelPagesTests {
  /// A store of five memes, the fifth with a picture, behind a running server.
  private final class Setting {
    let folder: TemporaryFolder
    let store: LabelStore
    let server: Running<LabelServer>

    init(overlap: Int = 1, _ settings: ServerSettings = ServerSettings()) async throws {
      let folder = try TemporaryFolder()
      self.folder = folder
      let store = try LabelStore(at: folder.url.appending(path: "labels.sqlite"))
      try TinyRun.picture(3, side: 96).write(to: folder.url.appending(path: "meme.png"))
      let memes = (1...5).map { number in
        Meme(
          id: number == 1 ? "<m1>&\"" : "m\(number)", image: number == 5 ? folder.url.appending(path: "meme.png") : nil,
          text: "text <script>alert(\(number))</script>")
      }
      let dataset = Dataset(
        name: "five", root: folder.url, format: .huggingFace,
        tasks: [
          LabelTask(name: "harm & more", kind: .binary, labels: ["harmful"]),
          LabelTask(name: "kind", kind: .multiclass, labels: ["dry", "warm \"and\" wet"]),
          LabelTask(name: "about", kind: .multilabel, labels: ["cats", "dogs"]),
        ], memes: memes)
      try store.add(dataset, fingerprints: FingerprintTable(of: memes) { _ in }.fingerprints)
      self.store = store
      server = try await Running(settings) { settings, logger, onRunning in
        try LabelServer(
          store: store, overlap: overlap, recipe: TinyRun.recipe(), settings: settings, logger: logger,
          onRunning: onRunning)
      }
    }

    var origin: String { "http://localhost" }  // as the tests' requests call their host

    func get(_ path: String, as person: String? = "Ada") async throws -> RawResponse {
      try await server.send("GET", path, headers: person.map { ["cookie": "annotator=\($0)"] } ?? [:])
    }

    func post(
      _ path: String, _ form: String, as person: String? = "Ada", headers: [String: String] = [:]
    ) async throws -> RawResponse {
      var all = ["origin": origin, "content-type": "application/x-www-form-urlencoded"]
      if let person { all["cookie"] = "theme=x; annotator=\(person)" }
      return try await server.send("POST", path, headers: all.merging(headers) { $1 }, body: Array(form.utf8))
    }

    func labels(_ task: String) throws -> [String] {
      try store.currentLabels(task: task).map { "\($0.meme) \($0.annotator) \($0.label.map { "\($0)" } ?? "none")" }
    }
  }

  private func text(_ response: RawResponse) -> String { String(decoding: response.body, as: UTF8.self) }

  @Test func aPersonLabelsAndUndoes() async throws {
    let setting = try await Setting()
    let first = try await setting.get("/", as: nil)
    #expect(first.status == 303 && first.headers["location"] == "/annotator?task=harm%20%26%20more")
    let named = try await setting.post("/annotator", "name=+Zo%C3%AB+%3B+A%2C+&task=kind", as: nil)
    #expect(named.status == 303 && named.headers["location"] == "/?task=kind")
    let cookie = try #require(named.headers["set-cookie"])
    #expect(
      cookie.hasPrefix("annotator=Zo%C3%AB%20%3B%20A%2C; ") && cookie.contains("HttpOnly")
        && cookie.contains("SameSite=Strict"))
    let person = "Zo%C3%AB%20%3B%20A%2C"
    let saved = try await setting.post("/label", "task=kind&meme=2&label=warm+%22and%22+wet&note=a%0Ab", as: person)
    #expect(saved.status == 303 && saved.headers["location"] == "/?task=kind&said=saved")
    #expect(try setting.labels("kind") == ["2 Zoë ; A, multiclass(1)"])
    #expect(try setting.store.history(of: 2, task: "kind").map(\.note) == ["a\nb"])
    let page = text(try await setting.get("/?task=kind&said=saved", as: person))
    #expect(page.contains("Saved for m2: warm &quot;and&quot; wet.") && page.contains("1 of 5 memes labelled"))
    let undone = try await setting.post("/undo", "task=kind", as: person)
    #expect(undone.headers["location"] == "/?task=kind&meme=2&said=undone")
    #expect(try setting.labels("kind").isEmpty)
    #expect(try await setting.post("/undo", "task=kind", as: person).headers["location"] == "/?task=kind&said=nothing")
    try await setting.server.stop()
  }

  @Test func everyKindOfTaskIsAsked() async throws {
    let setting = try await Setting()
    #expect(try await setting.post("/label", "task=about&meme=1&label=cats&label=dogs").status == 303)
    #expect(try await setting.post("/label", "task=about&meme=2").status == 303, "none of them")
    #expect(try await setting.post("/label", "task=harm+%26+more&meme=3&label=not+harmful").status == 303)
    #expect(try await setting.post("/label", "task=harm+%26+more&meme=4&skip=1&label=harmful").status == 303)
    #expect(try setting.labels("about") == ["1 Ada multilabel([true, true])", "2 Ada multilabel([false, false])"])
    #expect(try setting.labels("harm & more") == ["3 Ada binary(false)", "4 Ada none"])
    try await setting.server.stop()
  }

  /// The number of the meme that somebody is asked about.
  private func shown(_ person: String, _ setting: Setting) async throws -> String? {
    try text(await setting.get("/?task=kind", as: person)).firstMatch(of: /name="meme" value="(\d+)"/).map {
      String($0.1)
    }
  }

  @Test func theQueueEndsAndTwoPeopleSeeDifferentMemes() async throws {
    let setting = try await Setting()
    func shown(_ person: String) async throws -> String? { try await self.shown(person, setting) }
    var seen: Set<String> = []
    for turn in 0..<5 {
      let (mine, other) = (try #require(try await shown("Ada")), try await shown("Bo"))
      #expect(try await shown("Ada") == mine, "a reload shows the same meme")
      if turn < 4 { #expect(other != mine) }
      seen.insert(mine)
      _ = try await setting.post("/label", "task=kind&meme=\(mine)&label=dry")
    }
    #expect(seen.count == 5)
    #expect(try await shown("Ada") == nil)
    #expect(try await shown("Bo") == nil)
    #expect(try text(await setting.get("/?task=kind")).contains("Nothing is left to label"))
    try await setting.server.stop()
  }

  @Test func fourPeopleShareMemesTwoByTwo() async throws {
    let setting = try await Setting(overlap: 2)
    let people = ["Ada", "Bo", "Cy", "Di"]
    for round in 0..<2 {
      var memes: [String] = []
      for person in people { memes.append(try #require(try await shown(person, setting))) }
      #expect(memes[0] == memes[1] && memes[2] == memes[3] && memes[0] != memes[2], "round \(round): \(memes)")
      for (person, meme) in zip(people, memes) {
        #expect(try await shown(person, setting) == meme, "a reload shows the same meme")
        #expect(try await setting.post("/label", "task=kind&meme=\(meme)&label=dry", as: person).status == 303)
      }
    }
    let decisions = Dictionary(grouping: try setting.store.currentLabels(task: "kind"), by: \.meme)
    #expect(decisions.count == 4 && decisions.values.allSatisfy { $0.count == 2 })
    try await setting.server.stop()
  }

  /// Of three people the third goes on to another meme, and takes the place of who leaves one open.
  @Test func aPlaceAtAMemeIsTakenAndFreed() async throws {
    let setting = try await Setting(overlap: 2)
    let first = try #require(try await shown("Ada", setting))
    #expect(try await shown("Bo", setting) == first)
    let second = try #require(try await shown("Cy", setting))
    #expect(second != first)
    _ = try await setting.post("/label", "task=kind&meme=\(first)&label=dry")
    #expect(try await shown("Cy", setting) == second, "Ada has decided, Bo is about to")
    #expect(try await shown("Ada", setting) == second)
    _ = try await setting.post("/label", "task=kind&meme=\(first)&skip=1", as: "Bo")
    let third = try #require(try await shown("Bo", setting))
    #expect(third != first && third != second)
    #expect(try await shown("Cy", setting) == first)
    try await setting.server.stop()
  }

  @Test func whatIsUndoneIsKeptForWhoUndidIt() async throws {
    let setting = try await Setting()
    let first = try #require(try await shown("Ada", setting))
    _ = try await setting.post("/label", "task=kind&meme=\(first)&label=dry")
    let other = try await shown("Bo", setting)
    _ = try await setting.post("/undo", "task=kind")
    let next = try await shown("Cy", setting)
    #expect(other != first && next != first && next != other)
    #expect(try await shown("Ada", setting) == first)
    try await setting.server.stop()
  }

  @Test func whoAskAtOnceAreShownDifferentMemes() async throws {
    let setting = try await Setting()
    let store = setting.store
    let task = try #require(try store.tasks().first)
    for round in 0..<25 {
      let desk = LabelDesk(store: store, firstTask: nil, overlap: 1)
      let memes = try await withThrowingTaskGroup(of: Int64?.self) { group in
        for person in 0..<4 {
          group.addTask { try await desk.onPool { try desk.next(task: task, for: "p\(person)")?.meme.id } }
        }
        return try await group.reduce(into: Set<Int64?>()) { $0.insert($1) }
      }
      #expect(memes.count == 4, "round \(round)")
    }
    try await setting.server.stop()
  }

  @Test func nothingOfAMemeIsRunAndNothingComesFromElsewhere() async throws {
    let setting = try await Setting()
    for path in ["/meme/1", "/progress", "/exchange", "/annotator", "/meme/99", "/?task=%3Cb%3E"] {
      let response = try await setting.get(path)
      let page = text(response)
      #expect(!page.contains("<script>") && !page.contains("<b>") && !page.contains("<m1>"), "\(path)")
      let policy = try #require(response.headers["content-security-policy"])
      #expect(policy.contains("default-src 'none'") && !policy.contains("unsafe"))
      #expect(
        page.matches(of: /(?:src|href|action)="([^"]*)"/).allSatisfy {
          $0.1.hasPrefix("/") || $0.1 == "#main" || $0.1 == "data:,"
        })
      #expect(response.headers["x-content-type-options"] == "nosniff")
    }
    #expect(try await setting.get("/meme/99").status == 404)
    let picture = try await setting.get("/image/5")
    #expect(
      picture.status == 200 && picture.headers["content-type"] == "image/jpeg"
        && picture.body.prefix(2) == Data([0xFF, 0xD8]))
    for path in ["/image/1", "/image/x", "/image/99"] { #expect(try await setting.get(path).status == 404, "\(path)") }
    try await setting.server.stop()
  }

  @Test func otherSitesChangeNothing() async throws {
    let setting = try await Setting()
    let form = "task=kind&meme=1&label=dry"
    for headers in [
      ["origin": "http://evil.example"], ["origin": "null"], ["origin": "http://localhost:1"],
      ["origin": "https://localhost.evil.example"],
    ] {
      #expect(try await setting.post("/label", form, headers: headers).status == 403, "\(headers)")
    }
    let bare = ["cookie": "annotator=Ada", "content-type": "application/x-www-form-urlencoded"]
    for site in [nil, "cross-site", "same-site", "none"] {
      let headers = bare.merging(site.map { ["sec-fetch-site": $0] } ?? [:]) { $1 }
      #expect(try await setting.server.send("POST", "/label", headers: headers, body: Array(form.utf8)).status == 403)
    }
    #expect(try setting.labels("kind").isEmpty)
    let port = setting.server.port
    let rebound = try await onThread {
      let connection = try RawConnection(port: port)
      try connection.send("GET /exchange HTTP/1.1\r\nhost: evil.example:\(port)\r\n\r\n")
      return try connection.response()
    }
    #expect(rebound?.status == 421)
    let own = bare.merging(["sec-fetch-site": "same-origin"]) { $1 }
    #expect(try await setting.server.send("POST", "/label", headers: own, body: Array(form.utf8)).status == 303)
    try await setting.server.stop()
  }

  @Test func badFormsAreTold() async throws {
    let setting = try await Setting()
    for (form, status) in [
      ("", 400), ("task=kind", 400), ("task=kind&meme=1", 400), ("task=kind&meme=x&label=dry", 400),
      ("task=kind&meme=99&label=dry", 404), ("task=none&meme=1&label=dry", 404), ("task=kind&meme=1&label=wet", 400),
      ("task=kind&meme=1&label=dry&label=dry", 400), ("task=kind&meme=%zz", 400), ("task=kind&meme=1&label=%FF", 400),
    ] {
      let response = try await setting.post("/label", form)
      #expect(response.status == status, "\(form)")
      #expect(response.headers["content-type"] == "text/html; charset=utf-8")
    }
    #expect(try await setting.post("/label", "task=kind&meme=1&label=dry", as: nil).status == 403)
    #expect(try await setting.post("/label", "{}", headers: ["content-type": "application/json"]).status == 415)
    #expect(try await setting.post("/label", String(repeating: "a", count: 70_000)).status == 413)
    #expect(try await setting.post("/annotator", "name=").status == 400)
    #expect(try await setting.post("/annotator", "name=dataset").status == 400)
    #expect(try await setting.post("/annotator", "name=a%0D%0Aset-cookie:x").status == 400)
    #expect(try setting.labels("kind").isEmpty)
    try await setting.server.stop()
  }

  @Test func labelsComeAndGoAsFiles() async throws {
    let setting = try await Setting()
    _ = try await setting.post("/label", "task=kind&meme=2&label=dry&note=n")
    for format in LabelFormat.allCases {
      let response = try await setting.get("/export/\(format.rawValue)")
      let expected = try setting.store.exported(as: format)
      #expect(response.status == 200 && response.body == expected)
      #expect(response.headers["content-disposition"] == "attachment; filename=\"\(format.fileName)\"")
    }
    #expect(try await setting.get("/export/xml").status == 404)
    func upload(_ name: String, _ content: String) async throws -> RawResponse {
      let body =
        "--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"\(name)\"\r\n\r\n\(content)\r\n--b--\r\n"
      return try await setting.post("/import", body, headers: ["content-type": "multipart/form-data; boundary=b"])
    }
    let taken = try await upload("x.csv", "id,task,label\r\nm3,kind,dry\r\n")
    #expect(taken.status == 200 && text(taken).contains("1 labels and 0 memes were added"))
    let refused = try await upload("x.csv", "id,task,label\r\nm4,kind,dry\r\nnobody,kind,dry\r\n")
    #expect(refused.status == 400 && text(refused).contains("nobody"))
    #expect(try await upload("x.csv", "").status == 400)
    #expect(try setting.labels("kind") == ["2 Ada multiclass(0)", "3 Ada multiclass(0)"])
    try await setting.server.stop()
  }

  @Test func agreementAndProgressAreShown() async throws {
    let setting = try await Setting(overlap: 2)
    // Of four memes two people agree on three.
    for (meme, (ada, bo)) in zip(
      1...4, [("dry", "dry"), ("warm \"and\" wet", "warm \"and\" wet"), ("dry", "dry"), ("dry", "warm \"and\" wet")])
    {
      for (person, label) in [("Ada", ada), ("Bo", bo)] {
        let name = label.addingPercentEncoding(withAllowedCharacters: .alphanumerics)!
        #expect(try await setting.post("/label", "task=kind&meme=\(meme)&label=\(name)", as: person).status == 303)
      }
    }
    let page = text(try await setting.get("/progress?task=kind"))
    // 1 − (8 − 1) · 2 / (2 · 5 · 3)
    #expect(page.contains("0.533") && page.contains("href=\"/meme/4?task=kind\">m4</a>"))
    #expect(page.contains("On 1 there is a tie"))
    try await setting.server.stop()
  }

  @Test func keysAreAskedForAsPasswords() async throws {
    var settings = ServerSettings()
    settings.keys = try APIKeys("0123456789abcdef", source: "test")
    let setting = try await Setting(settings)
    let closed = try await setting.get("/")
    #expect(closed.status == 401)
    #expect(closed.headers["www-authenticate"]?.contains("Basic") == true)
    let login = Data("anybody:0123456789abcdef".utf8).base64EncodedString()
    #expect(
      try await setting.server.send("GET", "/annotator", headers: ["authorization": "Basic \(login)"]).status == 200)
    let wrong = Data("0123456789abcdef:x".utf8).base64EncodedString()
    #expect(
      try await setting.server.send("GET", "/annotator", headers: ["authorization": "Basic \(wrong)"]).status == 401)
    try await setting.server.stop()
  }
}
