import Foundation
import Testing

@testable import Report

/// The library is the pinned file or a clear error.
struct ChartLibraryTests {
  private let folder: URL
  init() throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "charts-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  private func file(_ path: String) -> URL {
    let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    return tests.deletingLastPathComponent().appending(path: path)
  }

  @Test func theInstalledFileIsThePinnedOne() throws {
    let library = try ChartLibrary(in: [folder, file(".dependencies/charts")])
    #expect(library.text.contains("version=\"\(ChartLibrary.version)\""))
    // It goes into an element of its own as it is.
    #expect(!library.text.contains("</script") && !library.text.contains("<!--"))
    let pins = try String(contentsOf: file("Scripts/pins.sh"), encoding: .utf8)
    #expect(pins.contains("\(ChartLibrary.sha256) ") && pins.contains("/echarts@\(ChartLibrary.version)/"))
  }

  @Test func aMissingOneIsAnErrorThatSaysWhatToDo() {
    let error = #expect(throws: ChartLibraryError.self) { try ChartLibrary(in: [folder]) }
    #expect(error == .missing(searched: [folder]))
    #expect(error?.description.contains("Scripts/setup") == true && error?.description.contains(folder.path) == true)
  }

  @Test func anotherFileIsRefused() throws {
    try Data("alert(1)".utf8).write(to: folder.appending(path: ChartLibrary.fileName))
    let error = #expect(throws: ChartLibraryError.self) {
      try ChartLibrary(in: [folder, file(".dependencies/charts")])
    }
    guard case .otherFile(let file, let sha256) = error else { return #expect(Bool(false), "\(error as Any)") }
    #expect(file.lastPathComponent == ChartLibrary.fileName && sha256.count == 64)
  }
}
