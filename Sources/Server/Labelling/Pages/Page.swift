import Foundation
import HTTPTypes
import Hummingbird
import MemeData

/// A whole page: what all of them have in common.
struct Page {
  /// The pages that the head of each leads to.
  enum Place: String, CaseIterable {
    case label = "/"
    case progress = "/progress"
    case meme = "/try"
    case model = "/model"
    case exchange = "/exchange"

    var title: String {
      switch self {
      case .label: "Label"
      case .progress: "Progress"
      case .meme: "Try a meme"
      case .model: "Model"
      case .exchange: "Import and export"
      }
    }
  }

  /// Which of the places it is; `nil` for none of them.
  var place: Place?
  var title: String
  var main: HTML
  /// The task that links lead on with.
  var task: String?
  var annotator: String?
  var status = HTTPResponse.Status.ok

  var html: HTML {
    let query = task.map { "?task=\(URLEncodedForm.encoded($0))" } ?? ""
    let links = Place.allCases.map { place -> HTML in
      let current: HTML = place == self.place ? " aria-current=\"page\"" : ""
      return "<li><a href=\"\(place.rawValue + query)\"\(current)>\(place.title)</a></li>"
    }
    let person = annotator.map { name -> HTML in
      "<p class=\"person\"><span class=\"hidden\">You are </span>\(name) <a href=\"/annotator\(query)\">Change<span class=\"hidden\"> the name</span></a></p>"
    }
    return """
      <!doctype html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta name="color-scheme" content="light dark">
      <title>\(title) · MemeSense</title>
      <link rel="icon" href="data:,">
      <link rel="stylesheet" href="/style.css">
      <script src="/script.js" defer></script>
      </head>
      <body>
      <a class="skip" href="#main">To the content</a>
      <header>
      <nav aria-label="Pages"><ul>\(links)</ul></nav>
      \(person)
      </header>
      <div id="announcer" class="hidden" role="status" aria-live="polite"></div>
      <main id="main" tabindex="-1">
      \(main)
      </main>
      </body>
      </html>

      """
  }

  /// Links to the same place for each task; `nil` where there is but one.
  static func tabs(of tasks: [LabelTask], current: LabelTask, at place: Place) -> HTML? {
    guard tasks.count > 1 else { return nil }
    let links = tasks.map { task -> HTML in
      let mark: HTML = task.name == current.name ? " aria-current=\"true\"" : ""
      return "<li><a href=\"\(place.rawValue)?task=\(URLEncodedForm.encoded(task.name))\"\(mark)>\(task.name)</a></li>"
    }
    return "<nav aria-label=\"Tasks\" class=\"tabs\"><ul>\(links)</ul></nav>"
  }

  var response: Response {
    var headers = HTTPFields()
    headers[.contentSecurityPolicy] = Self.policy
    headers[.referrerPolicy] = "same-origin"  // without an origin no form of ours would be taken
    headers[.frameOptions] = "DENY"
    return .bytes(Data(html.text.utf8), type: "text/html; charset=utf-8", status: status, headers: headers)
  }

  /// Nothing comes from elsewhere, and nothing that stands in a page is run.
  private static let policy = """
    default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data: blob:; connect-src 'self'; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'
    """
}

extension HTTPField.Name {
  static let referrerPolicy = Self("Referrer-Policy")!
  static let frameOptions = Self("X-Frame-Options")!
  static let fetchSite = Self("Sec-Fetch-Site")!
}

extension Response {
  /// Sends a browser on after a form.
  static func forward(to place: String, cookie: String? = nil) -> Response {
    var headers = HTTPFields()
    headers[.location] = place
    headers[.cacheControl] = "no-store"
    if let cookie { headers[.setCookie] = cookie }
    return Response(status: .seeOther, headers: headers)
  }
}
