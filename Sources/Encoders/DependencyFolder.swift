import Foundation

/// Where Scripts/setup puts what the program reads when it runs.
public enum DependencyFolder {
  /// The folders `.dependencies/NAME` that there are above the program and above the working folder, the innermost first.
  public static func searched(for name: String) -> [URL] {
    let program = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
    let executable = (Bundle.main.executableURL ?? program).resolvingSymlinksInPath()
    let starts = [
      executable.deletingLastPathComponent(), URL(fileURLWithPath: FileManager.default.currentDirectoryPath),
    ]
    return starts.flatMap(\.selfAndAncestors).map { $0.appending(path: ".dependencies/\(name)") }
      .filter { FileManager.default.fileExists(atPath: $0.path) }
  }
}

extension ProcessInfo {
  /// The folder that a variable of the environment names; `nil` for an empty one too, as the XDG base directories have it.
  public func folder(named variable: String) -> URL? {
    environment[variable].flatMap { $0.isEmpty ? nil : URL(fileURLWithPath: $0) }
  }
}

extension URL {
  /// This folder and those above it, the innermost first.
  fileprivate var selfAndAncestors: [URL] {
    var folders = [self]
    while let last = folders.last, last.path.hasPrefix("/"), last.path != "/" {
      folders.append(last.deletingLastPathComponent())
    }
    return folders
  }
}
