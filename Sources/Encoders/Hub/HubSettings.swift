import Foundation

/// What the environment says of the Hugging Face hub, by the variables that Python's huggingface_hub reads.
///
/// Source: huggingface_hub `constants.py` and `utils/_auth.py`.
public struct HubSettings: Sendable {
  /// `HF_HUB_CACHE`, else `hub` in `HF_HOME`, which is `~/.cache/huggingface` or lies below `XDG_CACHE_HOME`.
  public let cacheFolder: URL
  /// `HF_HUB_OFFLINE` or `TRANSFORMERS_OFFLINE`: nothing is fetched.
  public let isOffline: Bool
  /// `HF_ENDPOINT` as it stands there.
  let endpointText: String
  /// `HF_TOKEN`, else what stands in the file that a login leaves in `HF_HOME`.
  let token: String?

  public init(environment: [String: String] = ProcessInfo.processInfo.environment) {
    func value(_ names: String...) -> String? {
      names.lazy.compactMap { environment[$0] }.first { !$0.isEmpty }
    }
    let userHome = value("HOME") ?? FileManager.default.homeDirectoryForCurrentUser.path
    func folder(_ path: String) -> URL {
      let named = path.replacing(/\$(?:(\w+)|\{([^}]*)\})/) { match in
        environment[String(match.1 ?? match.2 ?? "")] ?? String(match.0)
      }
      let isHome = named == "~" || named.hasPrefix("~/")
      return URL(fileURLWithPath: isHome ? userHome + named.dropFirst() : named)
    }
    let home =
      value("HF_HOME").map(folder)
      ?? folder(value("XDG_CACHE_HOME") ?? userHome + "/.cache").appending(path: "huggingface")
    cacheFolder = value("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE").map(folder) ?? home.appending(path: "hub")
    isOffline = ["1", "ON", "YES", "TRUE"].contains(value("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")?.uppercased())
    endpointText = value("HF_ENDPOINT") ?? "https://huggingface.co"
    func clean(_ text: String) -> String? {
      // A line break in a header would begin another header.
      let text = text.filter { !$0.isNewline }.trimmingCharacters(in: .whitespaces)
      return text.isEmpty ? nil : text
    }
    let file = value("HF_TOKEN_PATH").map(folder) ?? home.appending(path: "token")
    token =
      value("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN").flatMap(clean)
      ?? (try? String(contentsOf: file, encoding: .utf8)).flatMap(clean)
  }
}
