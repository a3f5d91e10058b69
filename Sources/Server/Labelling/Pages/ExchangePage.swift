import LabelStore

extension Page {
  /// Labels come and go as files.
  static func exchange(task: String?, annotator: String?, said: String?, fault: String?) -> Page {
    let forms = LabelFormat.allCases.map { format -> HTML in
      """
      <tr><th scope="row"><a href="/export/\(format.rawValue)" download="\(format.fileName)">\(format.title)</a></th>
      <td>\(format.content)</td></tr>
      """
    }
    return Page(
      place: .exchange, title: "Import and export",
      main: """
        <h1>Import and export</h1>
        \(said.map { text -> HTML in "<p class=\"said lines\" data-announce>\(text)</p>" })
        \(fault.map { text -> HTML in "<p class=\"fault lines\" role=\"alert\" data-announce>\(text)</p>" })
        <section><h2>Take the labels along</h2>
        <table><thead><tr><th scope="col">File</th><th scope="col">What is in it</th></tr></thead>
        <tbody>\(forms)</tbody></table></section>
        <section><h2>Bring labels in</h2>
        <p>JSON lines or a table with the fields <code>id</code>, <code>task</code>, <code>label</code> and, where you have
        them, <code>annotator</code>, <code>note</code> and <code>time</code>; or what Label Studio exports as JSON. All of a
        file is taken, or nothing.</p>
        <form class="stack" method="post" action="/import" enctype="multipart/form-data">
        <label for="file">File</label>
        <input id="file" name="file" type="file" required accept=".jsonl,.csv,.tsv,.json">
        <button>Import</button>
        </form></section>
        """, task: task, annotator: annotator, status: fault == nil ? .ok : .badRequest)
  }
}

extension LabelFormat {
  fileprivate var title: String {
    switch self {
    case .jsonl: "JSON lines"
    case .csv: "CSV"
    case .huggingFace: "Hugging Face metadata"
    case .labelStudio: "Label Studio JSON"
    }
  }

  fileprivate var content: String {
    switch self {
    case .jsonl: "Everything: a line for each label that was ever made, with who, when and notes"
    case .csv: "The same as a table"
    case .huggingFace: "One line a meme with the label that most people chose, to put beside the pictures"
    case .labelStudio: "Every person’s label as it stands, with notes"
    }
  }
}
