import Foundation
import Testing

/// The pages of the built program, read as text and, where there is one, opened in a real Chromium.
@Suite(.serialized) struct ReportTests {
  let program: Program
  init() throws { program = try WholeWayTests.demo.get().program }

  private func text(_ path: String) throws -> String {
    try String(contentsOf: program.home.appending(path: path), encoding: .utf8)
  }

  /// The page of the demo's run of a method, made once.
  private func report(_ method: String) throws -> String {
    let path = "\(method).html"
    if !FileManager.default.fileExists(atPath: program.home.appending(path: path).path) {
      let result = try program("evaluate", "demo/\(method)-42", "--report", path, "--quiet")
      #expect(result.status == 0, "\(result.errors)")
    }
    return try text(path)
  }

  /// The JSON of a page's elements of one class.
  private func documents(_ html: String, _ name: String) throws -> [Any] {
    try html.components(separatedBy: "<script type=\"application/json\" class=\"\(name)\">").dropFirst().map {
      try JSONSerialization.jsonObject(with: Data($0[..<$0.range(of: "</script>")!.lowerBound].utf8))
    }
  }

  @Test func theGallerySaysWhatEachModalitySays() throws {
    let html = try report("semimemes")
    let gallery = try #require(try documents(html, "items").first as? [String: Any])
    #expect(gallery["answerers"] as? [String] == ["image and text", "image alone", "text alone"])
    let items = try #require(gallery["items"] as? [[String: Any]])
    let item = try #require(items.first { $0["text"] is String && $0["jpeg"] is String })
    let answers = try #require(item["answers"] as? [[Any]])
    let id = try #require(item["id"] as? String)
    let lines = try text("demo/corpus-240/metadata.jsonl").split(separator: "\n").map { try object(String($0)) }
    let row = try #require(lines.first { $0["id"] as? String == id || $0["file_name"] as? String == id })
    let image = program.home.appending(path: "demo/corpus-240/\(row["file_name"] as? String ?? "")").path
    let words = try #require(row["text"] as? String)
    for (index, arguments) in [[image, "--text", words], [image], ["--text", words]].enumerated() {
      let predicted = try object(program(["predict", "demo/semimemes-42"] + arguments).output)
      let value = try #require((predicted["probabilities"] as? [String: Double])?["mean"])
      let (label, probability) = (try #require(answers[index][0] as? String), answers[index][1] as? Double ?? -1)
      #expect(label == (value > 0.5 ? "mean" : "not mean"))
      #expect(abs(probability - max(value, 1 - value)) < 1e-4, "\(arguments.count): \(probability), predicted \(value)")
    }
  }

  @Test func maps() throws {
    #expect(try report("semimemes").contains("Raw features, t-SNE") && report("semimemes").contains("Cooked features"))
    let linear = try report("logistic-regression")
    #expect(linear.contains("Raw features, t-SNE") && !linear.contains("Cooked features"))
  }

  @Test func dataPagesCountLabelsAndWords() throws {
    let result = try program("data", "inspect", "demo/corpus-240", "--report", "data.html")
    #expect(result.status == 0, "\(result.errors)")
    let html = try text("data.html")
    #expect(html.contains("Words on the memes") && html.contains("Width of pictures"))
    let options = try documents(html, "option").compactMap { $0 as? [String: Any] }
    // Of each chart: the sum of all columns of all series.
    let sums = options.map { option in
      ((option["series"] as? [[String: Any]]) ?? []).reduce(0) { $0 + ($1["data"] as? [Int] ?? []).reduce(0, +) }
    }
    #expect(sums == [240, 240, 240, 240], "every meme counts once in labels, length, width and height")
  }

  @Test func aSimulationThatCannotBeIsRefused() throws {
    let arguments = ["label", "simulate", "--data", "demo/corpus-240", "--task", "mean", "--quiet"]
    for (further, part) in [
      (["--until", "1e19"], "--until"), (["--until", "5000"], "--until is 5000 labels; the training split has"),
      (["--seed", "18446744073709551615"], "label draws take"), (["--labels", "0.1"], "no effect"),
      (["--orders", "random,ours,random"], "none, or one twice"), (["--orders", ""], "none, or one twice"),
      (["--step", "30", "--until", "0.0001"], "less than the first batch of 30"),
      (["--method", "vilt"], "vilt reads more"), (["--metric", "mami_b"], "mami_b is not defined for"),
    ] {
      let result = try program(arguments + further)
      #expect(!result.wasKilled && result.status == 64 && result.errors.contains(part), "\(further) \(result.errors)")
    }
  }

  @Test func aSimulationDrawsItsCurvesWithBands() throws {
    let result = try program(
      "label", "simulate", "--data", "demo/corpus-240", "--task", "mean", "--encoder", "lite", "--step", "10",
      "--until",
      "30", "--seeds", "2", "--orders", "random,ours", "--output", "simulation", "--quiet")
    #expect(result.status == 0 && result.output.contains("simulation/report.html"), "\(result.errors)")
    let html = try text("simulation/report.html")
    let charts = try documents(html, "option").compactMap { ($0 as? [String: Any])?["series"] as? [[String: Any]] }
    let kinds = charts.map { $0.map { "\($0["name"] as? String ?? "") \($0["type"] as? String ?? "")" } }
    #expect(kinds == Array(repeating: ["random custom", "ours custom", "random line", "ours line"], count: 2))
    let rows = try text("simulation/points.csv").split(separator: "\n").dropFirst().map { $0.split(separator: ",") }
    func score(_ order: String, _ seed: String) throws -> Double {
      try #require(rows.first { $0[0] == order && $0[1] == seed && $0[2] == "20" }.flatMap { Double($0[3]) })
    }
    // The second point of each chart by hand: the mean over seeds, and the mean of the differences of equal seeds.
    func point(_ chart: Int, _ series: Int) throws -> [Double] {
      try #require(charts[chart][series]["data"] as? [[Double]])[1]
    }
    let (random, ours) = (
      try [score("random", "42"), score("random", "43")], try [score("ours", "42"), score("ours", "43")]
    )
    let means = [random, ours].map { ($0[0] + $0[1]) / 2 }
    #expect(try point(0, 2)[0] == 20 && abs(point(0, 2)[1] - means[0]) < 1e-6 && abs(point(0, 3)[1] - means[1]) < 1e-6)
    #expect(try abs(point(1, 3)[1] - (means[1] - means[0])) < 1e-6)
    let deviation = abs(random[0] - random[1]) / 2.0.squareRoot()
    #expect(try abs(point(0, 0)[2] - point(0, 0)[1] - 2 * deviation) < 1e-6, "a band of one deviation to either side")
    for part in ["Labels needed for what random reaches", "42, 43", "<dt>machine</dt>", "label simulate --data"] {
      #expect(html.contains(part), "\(part)")
    }
  }

  @Test func withoutTheLibraryNothingIsBegun() throws {
    var poor = program
    poor.environment["MEMESENSE_CHARTS"] = program.home.appending(path: "nowhere").path
    let result = try poor(
      "train", "--method", "concat", "--data", "demo/corpus-240", "--task", "mean", "--output", "unbegun", "--quiet")
    #expect(result.status == 66 && result.errors.contains("Scripts/setup"), "\(result.errors)")
    #expect(!FileManager.default.fileExists(atPath: program.home.appending(path: "unbegun").path))
  }

  // MARK: In a browser

  private static let chromium = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].first {
    FileManager.default.isExecutableFile(atPath: $0)
  }

  /// The page as Chromium has it after its scripts ran, and what it asked the network for on the way. No name is found
  /// there, and what Chromium itself asks its maker is left out.
  private func opened(_ page: String) throws -> (page: String, requests: [String]) {
    let (dom, log) = (program.home.appending(path: "dom.html"), program.home.appending(path: "net.json"))
    _ = FileManager.default.createFile(atPath: dom.path, contents: nil)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: Self.chromium!)
    process.arguments = [
      "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
      "--disable-component-update",
      "--no-first-run", "--host-resolver-rules=MAP * ~NOTFOUND", "--virtual-time-budget=5000",
      "--user-data-dir=\(program.home.appending(path: "chromium").path)",
      "--log-net-log=\(log.path)", "--dump-dom", program.home.appending(path: page).absoluteString,
    ]
    process.standardOutput = try FileHandle(forWritingTo: dom)
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    let events = try String(contentsOf: log, encoding: .utf8)
    let own = ["google.com", "googleapis.com", "gvt1.com"]
    let addresses = events.matches(of: /"url":"((?:http|ws)s?:\/\/([^\/":]*)[^"]*)"/).filter { match in
      !own.contains { match.2 == $0 || match.2.hasSuffix(".\($0)") }
    }
    return (try String(contentsOf: dom, encoding: .utf8), addresses.map { String($0.1) })
  }

  @Test(.enabled(if: chromium != nil, "no Chromium here; Scripts/setup --for-tests installs it"))
  func chromiumDrawsEverythingAndFetchesNothing() throws {
    _ = try report("semimemes")
    let (page, requests) = try opened("semimemes.html")
    let figures = page.components(separatedBy: "<figure class=\"drawn\">").dropFirst()
    #expect(figures.count == 10)
    for figure in figures {
      // The library's drawing within the figure has the axes' text or points.
      let drawing = figure[..<figure.range(of: "</figure>")!.lowerBound]
      #expect(drawing.contains("<svg") && drawing.contains("<path d="), "\(drawing.prefix(200))")
    }
    #expect(page.contains("1–12 of "), "the gallery was filled")
    #expect(page.components(separatedBy: "<article>").count == 13)
    #expect(page.contains("src=\"data:image/jpeg;base64,"))
    #expect(page.contains("<output data-score=\"threshold\">0.50</output>"))
    #expect(requests.isEmpty, "\(requests)")
    // The same page with a picture elsewhere: the policy holds it back, and without the policy it would be noticed.
    let fetching = try text("semimemes.html").replacing(
      "</main>", with: #"<img src="http://elsewhere.invalid/x"/></main>"#)
    _ = try program.write(fetching, to: "fetching.html")
    #expect(try opened("fetching.html").requests.isEmpty)
    _ = try program.write(fetching.replacing("Content-Security-Policy", with: "Nothing"), to: "open.html")
    #expect(try opened("open.html").requests.contains("http://elsewhere.invalid/x"))
  }
}
