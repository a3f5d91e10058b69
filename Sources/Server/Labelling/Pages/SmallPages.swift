import HTTPTypes
import LabelStore

extension Page {
  /// Asks somebody for the name that labels are kept under.
  static func annotator(known: [String], task: String?, current: String?, fault: String?) -> Page {
    let options = known.map { name -> HTML in "<option value=\"\(name)\"></option>" }
    return Page(
      title: "Who are you?",
      main: """
        <h1>Who are you?</h1>
        <p>Your labels are kept under this name, beside those of others.</p>
        \(fault.map { text -> HTML in "<p class=\"fault\" id=\"fault\" role=\"alert\">\(text)</p>" })
        <form class="stack" method="post" action="/annotator">
        \(task.map { name -> HTML in "<input type=\"hidden\" name=\"task\" value=\"\(name)\">" })
        <label for="name">Name</label>
        <input id="name" name="name" list="names" required autofocus autocomplete="nickname"
          maxlength="\(LabelStore.longestName)" value="\(current ?? "")"\(fault == nil ? "" : " aria-describedby=\"fault\" aria-invalid=\"true\"" as HTML)>
        <datalist id="names">\(options)</datalist>
        <button>Begin</button>
        </form>
        """, task: task, status: fault == nil ? .ok : .badRequest)
  }

  /// Says why something was not done.
  static func failure(_ error: APIError) -> Page {
    Page(
      title: "Not done",
      main: """
        <h1>That was not done</h1>
        <p class="fault" role="alert" data-announce>\(error.message)</p>
        <p><a href="/">Back to the labels</a></p>
        """, status: error.status)
  }
}
