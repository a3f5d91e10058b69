import Foundation
import MemeData
import Testing
import Training

@testable import Server

/// The real service over loopback with a tiny model. One test after another: each has the few threads of a small machine to
/// itself, and none waits for another's.
@Suite(.serialized, .timeLimit(.minutes(10))) enum RealServiceTests {}

extension RealServiceTests {
  /// What it answers, and what it refuses.
  @Suite struct ServiceTests {
    private static let folder = Result { try TemporaryFolder() }
    private static let shared = Task {
      let run = try folder.get().url
      try await onThread { try TinyRun.write(to: run) }
      var settings = ServerSettings()
      settings.bodyLimit = 1 << 20
      settings.pixelLimit = 100_000
      settings.textLimit = 1000
      settings.memesPerRequest = 6
      return try await RunningServer(run: run, settings)
    }

    let server: RunningServer
    let run: URL

    init() async throws {
      server = try await Self.shared.value
      run = try Self.folder.get().url
    }

    // MARK: Predictions

    private func values(_ response: RawResponse) throws -> [Double] {
      let predictions = try #require(try response.object()["predictions"] as? [[String: Any]])
      return try predictions.map { try #require(($0["probabilities"] as? [String: Double])?["harmful"]) }
    }

    /// What `memesense predict` prints for the same files and texts.
    private func expected(_ memes: [(picture: Data?, text: String?)]) async throws -> [Double] {
      let run = run
      return try await onThread {
        let files = try TemporaryFolder()
        let bundle = try ModelBundle(run)
        return try memes.enumerated().map { index, meme in
          let file = files.url.appending(path: "\(index)")
          try meme.picture?.write(to: file)
          let meme = Meme(id: "\(index)", image: meme.picture == nil ? nil : file, text: meme.text)
          return try #require(try bundle.predictions(for: [meme])[0].probabilities["harmful"])
        }
      }
    }

    /// Sums of a batch are rounded otherwise than those of a single meme.
    private func isNear(_ values: [Double], _ others: [Double]) -> Bool {
      values.count == others.count && zip(values, others).allSatisfy { abs($0 - $1) < 2e-3 }
    }

    @Test func predictionsAreThoseOfTheCommand() async throws {
      let picture = try TinyRun.picture(1)
      let text = "words on a meme, öfter als 1×"
      let both = try await expected([(picture, text), (picture, nil), (nil, text)])
      #expect(Set(both.map { ($0 * 1e4).rounded() }).count == 3, "three different questions: \(both)")
      let base64 = picture.base64EncodedString()
      for (index, fields) in [
        [("image", picture), ("text", Data(text.utf8))], [("image", picture)], [("text", Data(text.utf8))],
      ].enumerated() {
        let form = try await server.sendForm("/v1/predict", fields.map { (name: $0.0, content: $0.1) })
        #expect(form.status == 200 && form.headers["content-type"] == "application/json")
        #expect(try isNear(values(form), [both[index]]), "\(index)")
        var object: [String: String] = [:]
        for (name, content) in fields {
          object[name] = name == "image" ? base64 : String(decoding: content, as: UTF8.self)
        }
        let body = String(decoding: try JSONEncoder().encode(object), as: UTF8.self)
        let json = try await server.sendJSON("/v1/predict", body)
        #expect(try values(json) == values(form), "\(index)")
      }
      let url = try await server.sendJSON("/v1/predict", #"{"image":"data:image/png;base64,\#(base64)","text":null}"#)
      #expect(try isNear(values(url), [both[1]]))
    }

    @Test func severalMemesAreAnsweredInTheirOrder() async throws {
      let pictures = try (0..<5).map { try TinyRun.picture($0) }
      let texts = (0..<5).map { "text number \($0)" }
      let expected = try await expected(zip(pictures, texts).map { ($0, $1) })
      let form = try await server.sendForm(
        "/v1/predict",
        pictures.map { (name: "image", content: $0) } + texts.map { (name: "text", content: Data($0.utf8)) })
      #expect(try isNear(values(form), expected))
      let memes = zip(pictures, texts).enumerated().map { index, meme in
        #"{"id":"m\#(index)","image":"\#(meme.0.base64EncodedString())","text":"\#(meme.1)"}"#
      }
      let json = try await server.sendJSON("/v1/predict", #"{"memes":[\#(memes.joined(separator: ","))]}"#)
      #expect(try isNear(values(json), expected))
      let ids = try #require(try json.object()["predictions"] as? [[String: Any]]).map { $0["id"] as? String }
      #expect(ids == ["m0", "m1", "m2", "m3", "m4"])
    }

    @Test func manyAtOnceAreThoseOfOneByOne() async throws {
      let expected = try await expected((0..<6).map { (try TinyRun.picture($0), "text number \($0)") })
      let server = server
      let pictures = try (0..<6).map { try TinyRun.picture($0) }
      try await withThrowingTaskGroup(of: (Int, RawResponse).self) { group in
        for request in 0..<48 {
          group.addTask {
            let fields = [
              (name: "image", content: pictures[request % 6]),
              (name: "text", content: Data("text number \(request % 6)".utf8)),
            ]
            return (request % 6, try await server.sendForm("/v1/predict", fields))
          }
        }
        for try await (index, response) in group {
          #expect(try isNear(values(response), [expected[index]]), "\(index)")
        }
      }
    }

    // MARK: Other services' shapes

    @Test func moderationsHaveOpenAIsShape() async throws {
      let text = "you look like this"
      let picture = try TinyRun.picture(3)
      let single = try await server.sendJSON(
        "/v1/moderations", #"{"model":"omni-moderation-latest","input":"\#(text)"}"#)
      #expect(single.status == 200)
      let answer = try single.object()
      #expect((answer["id"] as? String)?.hasPrefix("modr-") == true && answer["model"] is String)
      let results = try #require(answer["results"] as? [[String: Any]])
      let scores = try #require(results[0]["category_scores"] as? [String: Double])
      let categories = try #require(results[0]["categories"] as? [String: Bool])
      let types = try #require(results[0]["category_applied_input_types"] as? [String: [String]])
      #expect(Set(scores.keys) == Set(CategoryMapping.moderationCategories))
      #expect(isNear([try #require(scores["harassment"])], try await expected([(nil, text)])))
      #expect(scores.filter { $0.key != "harassment" }.values.allSatisfy { $0 == 0 })
      #expect(types["harassment"] == ["text"] && types["violence"] == [])
      #expect(categories.allSatisfy { $0.value == (scores[$0.key]! > 0.5) })
      #expect(results[0]["flagged"] as? Bool == categories.values.contains(true))

      let list = try await server.sendJSON("/v1/moderations", #"{"input":["\#(text)","other words"]}"#)
      #expect((try list.object()["results"] as? [Any])?.count == 2)
      let parts = try await server.sendJSON(
        "/v1/moderations",
        #"{"input":[{"type":"text","text":"\#(text)"},{"type":"image_url","image_url":{"url":"data:image/png;base64,"#
          + #"\#(picture.base64EncodedString())"}}]}"#)
      let together = try #require(try parts.object()["results"] as? [[String: Any]])
      #expect(together.count == 1)
      let score = try #require((together[0]["category_scores"] as? [String: Double])?["harassment"])
      #expect(isNear([score], try await expected([(picture, text)])))
      #expect((together[0]["category_applied_input_types"] as? [String: [String]])?["harassment"] == ["text", "image"])
    }

    @Test func commentsHavePerspectivesShape() async throws {
      let text = "höre auf"
      let answer = try await server.sendJSON(
        "/v1alpha1/comments:analyze?key=none",
        #"{"comment":{"text":"\#(text)"},"languages":["de"],"clientToken":"t","doNotStore":true,"#
          + #""requestedAttributes":{"TOXICITY":{}}}"#)
      #expect(answer.status == 200)
      let object = try answer.object()
      #expect(object["languages"] as? [String] == ["de"] && object["clientToken"] as? String == "t")
      let toxicity = try #require((object["attributeScores"] as? [String: [String: Any]])?["TOXICITY"])
      let summary = try #require(toxicity["summaryScore"] as? [String: Any])
      let value = try #require(summary["value"] as? Double)
      #expect(isNear([value], try await expected([(nil, text)])))
      #expect(summary["type"] as? String == "PROBABILITY")
      let span = try #require((toxicity["spanScores"] as? [[String: Any]])?.first)
      #expect(span["begin"] as? Int == 0 && span["end"] as? Int == 8)
      // A score below its threshold is left out.
      let above = try await server.sendJSON(
        "/v1alpha1/comments:analyze",
        #"{"comment":{"text":"\#(text)"},"requestedAttributes":{"TOXICITY":{"scoreThreshold":1}}}"#)
      #expect((try above.object()["attributeScores"] as? [String: Any])?.isEmpty == true)
      let unknown = try await server.sendJSON(
        "/v1alpha1/comments:analyze", #"{"comment":{"text":"x"},"requestedAttributes":{"SPAM":{}}}"#)
      let error = try #require(try unknown.object()["error"] as? [String: Any])
      #expect(unknown.status == 400 && error["code"] as? Int == 400 && error["status"] as? String == "INVALID_ARGUMENT")
      #expect((error["message"] as? String)?.contains("TOXICITY") == true)
    }

    // MARK: The rest

    @Test func healthMetricsAndDescriptionAreThere() async throws {
      #expect(try await server.send("GET", "/healthz").object()["status"] as? String == "ok")
      let ready = try await server.send("GET", "/readyz").object()
      #expect(ready["status"] as? String == "ready" && ready["model"] as? String == run.lastPathComponent)
      _ = try await server.sendJSON("/v1/predict", #"{"text":"to be counted"}"#)
      let metrics = try await server.send("GET", "/metrics")
      #expect(metrics.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
      let lines = String(decoding: metrics.body, as: UTF8.self).split(separator: "\n")
      for prefix in [
        "memesense_http_requests_total{route=\"/v1/predict\",method=\"POST\",status=\"200\"} ",
        "memesense_batch_size_count ",
        "memesense_memes_in_progress 0", "memesense_connections ", "process_resident_memory_bytes ",
        "memesense_model_info{model=",
      ] {
        #expect(lines.contains { $0.hasPrefix(prefix) }, "\(prefix)")
      }
      let description = try await server.send("GET", "/openapi.json").object()
      let paths = try #require(description["paths"] as? [String: [String: Any]])
      #expect(
        Set(paths.keys) == [
          "/v1/predict", "/v1/moderations", "/v1alpha1/comments:analyze", "/metrics", "/openapi.json", "/healthz",
          "/readyz",
        ])
    }

    @Test func theDescriptionNamesEveryWayToShowAKeyAndAllOfAPrediction() async throws {
      let description = try await server.send("GET", "/openapi.json").object()
      let components = try #require(description["components"] as? [String: [String: Any]])
      let schemes = try #require(components["securitySchemes"] as? [String: [String: Any]])
      let ways = schemes.values.map { ($0["name"] ?? $0["scheme"]) as? String ?? "" }
      #expect(Set(ways) == ["bearer", "basic", "X-API-Key", "X-Goog-Api-Key", "key"])
      let paths = try #require(description["paths"] as? [String: [String: [String: Any]]])
      for (path, operations) in paths {
        let security = operations.values.first?["security"] as? [[String: Any]] ?? []
        let isOpen = ["/healthz", "/readyz", "/openapi.json"].contains(path)
        #expect(Set(security.flatMap { $0.keys }) == (isOpen ? [] : Set(schemes.keys)), "\(path)")
      }
      let schemas = try #require(components["schemas"] as? [String: [String: Any]])
      let members = try #require(schemas["Prediction"]?["properties"] as? [String: Any])
      var prediction = Prediction(id: "m", probabilities: [0.25, 0.25, 0.5], task: TinyRun.kinds)
      prediction.calibrated = true
      prediction.tasks = [:]
      let written = try JSONSerialization.jsonObject(with: JSON.line(prediction)) as? [String: Any]
      #expect(written.map { Set($0.keys) } == Set(members.keys))
    }

    @Test(arguments: [
      ("GET", "/nowhere", 404, "not_found", nil), ("GET", "/", 404, "not_found", nil),
      ("GET", "/v1/predict", 405, "method_not_allowed", "POST"),
      ("DELETE", "/healthz", 405, "method_not_allowed", "GET"),
      ("PUT", "/metrics", 405, "method_not_allowed", "GET"), ("GET", "/%2e%2e/etc/passwd", 404, "not_found", nil),
    ])
    func unknownPathsAndMethods(method: String, path: String, status: Int, code: String, allowed: String?) async throws
    {
      let answer = try await server.send(method, path)
      #expect(answer.status == status && answer.headers["allow"] == allowed)
      #expect(try answer.errorCode == code)
    }

    @Test(arguments: [
      (#"{"#, "invalid_json"), ("", "invalid_json"), ("\u{FEFF}[]x", "invalid_json"),
      (#"{"text":"a"} x"#, "invalid_json"),
      (#"{"text":1}"#, "invalid_request"), (#"[]"#, "invalid_request"), (#"null"#, "invalid_request"),
      (#""text""#, "invalid_request"), (#"{"txt":"a"}"#, "invalid_request"), (#"{}"#, "invalid_request"),
      (#"{"text":""}"#, "invalid_request"), (#"{"memes":[]}"#, "invalid_request"),
      (#"{"memes":{"text":"a"}}"#, "invalid_request"), (#"{"memes":[{"text":"a"},{}]}"#, "invalid_request"),
      (#"{"memes":[{"text":"a"}],"text":"b"}"#, "invalid_request"), (#"{"id":7,"text":"a"}"#, "invalid_request"),
      (#"{"image":"%%%"}"#, "invalid_base64"), (#"{"image":"YWJj\nZGVm"}"#, "invalid_base64"),
      (#"{"image":""}"#, "invalid_base64"), (#"{"image":"YWJj"}"#, "invalid_image"),
      (#"{"image":"https://example.com/a.png"}"#, "url_not_allowed"),
      (#"{"image":"FILE:///etc/passwd"}"#, "url_not_allowed"),
      (#"{"image":"data:image/png,abc"}"#, "invalid_request"),
      (#"{"image":"data:image/png;base64,!"}"#, "invalid_base64"),
    ])
    func malformedJSONIsRefused(body: String, code: String) async throws {
      let answer = try await server.sendJSON("/v1/predict", body)
      #expect(answer.status == 400, "\(String(decoding: answer.body, as: UTF8.self))")
      #expect(try answer.errorCode == code)
    }

    @Test(arguments: [
      #"{}"#, #"{"input":5}"#, #"{"input":[]}"#, #"{"input":[1]}"#, #"{"input":["a",1]}"#, #"{"input":""}"#,
      #"{"input":[{"type":"video"}]}"#, #"{"input":[{"type":"text"}]}"#, #"{"input":[{"type":"image_url"}]}"#,
      #"{"input":[{"type":"image_url","image_url":"data:image/png;base64,YQ=="}]}"#,
      #"{"input":[{"type":"image_url","image_url":{"url":"http://127.0.0.1:1/a.png"}}]}"#,
      #"{"input":[{"type":"image_url","image_url":{"url":"YWJj"}}]}"#,
    ])
    func malformedModerationsAreRefused(body: String) async throws {
      let answer = try await server.sendJSON("/v1/moderations", body)
      #expect(answer.status == 400, "\(String(decoding: answer.body, as: UTF8.self))")
    }

    @Test(arguments: [
      #"{}"#, #"{"comment":{},"requestedAttributes":{"TOXICITY":{}}}"#,
      #"{"comment":{"text":""},"requestedAttributes":{"TOXICITY":{}}}"#,
      #"{"comment":{"text":"a"},"requestedAttributes":{}}"#,
      #"{"comment":{"text":"a","type":"HTML"},"requestedAttributes":{"TOXICITY":{}}}"#,
      #"{"comment":{"text":"a"},"requestedAttributes":{"TOXICITY":{"scoreType":"RANK"}}}"#,
      #"{"comment":{"text":"a"},"requestedAttributes":{"TOXICITY":{"scoreThreshold":"1"}}}"#,
    ])
    func malformedCommentsAreRefused(body: String) async throws {
      let answer = try await server.sendJSON("/v1alpha1/comments:analyze", body)
      #expect(answer.status == 400)
      #expect((try answer.object()["error"] as? [String: Any])?["status"] as? String == "INVALID_ARGUMENT")
    }

    @Test func malformedFormsAreRefused() async throws {
      let text = Data("a".utf8)
      let picture = try TinyRun.picture(0)
      for (fields, code) in [
        ([], "invalid_request"), ([("text", Data())], "invalid_request"), ([("picture", picture)], "invalid_request"),
        ([("text", Data([0xFF]))], "invalid_request"), ([("image", text)], "invalid_image"),
        ([("image", picture), ("image", picture), ("text", text)], "invalid_request"),
        ([("image", picture.prefix(200))], "invalid_image"),
      ] as [([(String, Data)], String)] {
        let answer = try await server.sendForm("/v1/predict", fields.map { (name: $0.0, content: $0.1) })
        #expect(answer.status == 400)
        #expect(try answer.errorCode == code)
      }
      for type in ["multipart/form-data", "multipart/form-data; boundary=x", "multipart/form-data; boundary=\"x"] {
        #expect(
          try await server.send("POST", "/v1/predict", headers: ["content-type": type], body: [1, 2]).status == 400)
      }
      for headers in [[:], ["content-type": "text/plain"], ["content-type": "application/x-www-form-urlencoded"]] {
        let answer = try await server.send("POST", "/v1/predict", headers: headers, body: Array("text=a".utf8))
        #expect(answer.status == 415)
      }
    }

    @Test func whatIsTooLargeIsRefused() async throws {
      let wide = try TinyRun.picture(0, side: 400)
      let bomb = try await server.sendForm("/v1/predict", [(name: "image", content: wide)])
      #expect(bomb.status == 413 && String(decoding: bomb.body, as: UTF8.self).contains("400 × 400 pixels"))
      #expect(
        try await server.sendJSON("/v1/predict", #"{"text":"\#(String(repeating: "a", count: 1001))"}"#).status == 413)
      let memes = Array(repeating: #"{"text":"a"}"#, count: 7).joined(separator: ",")
      #expect(try await server.sendJSON("/v1/predict", #"{"memes":[\#(memes)]}"#).status == 413)
      #expect(try await server.sendJSON("/v1/moderations", #"{"input":["a","a","a","a","a","a","a"]}"#).status == 413)
      let nested = String(repeating: "[", count: 100_000)
      #expect(try await server.sendJSON("/v1/predict", nested).status == 400)
    }

    @Test func nothingOfWhatIsSentIsLogged() async throws {
      _ = try await server.sendJSON("/v1/predict", #"{"text":"a secret sentence"}"#, headers: ["x-secret": "secret"])
      _ = try await server.sendJSON("/v1/predict", #"{"secret":"secret"}"#)
      _ = try await server.send("GET", "/secret?secret=secret")
      let lines = server.log.lines
      #expect(!lines.contains { $0.contains("secret") })
      let record = try #require(
        lines.compactMap { try? JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] }
          .last { $0["route"] as? String == "/v1/predict" && $0["status"] as? Int == 200 })
      #expect(record["memes"] as? Int == 1 && record["milliseconds"] is Double && record["level"] as? String == "info")
    }
  }
}
