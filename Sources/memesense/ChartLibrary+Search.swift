import Encoders
import Foundation
import Report

extension ChartLibrary {
  /// The library from the folder in `MEMESENSE_CHARTS` if set; else from `.dependencies/charts` above the program or the
  /// working folder, or from the user's cache.
  static func found() throws -> ChartLibrary {
    let named = ProcessInfo.processInfo.folder(named: "MEMESENSE_CHARTS").map { [$0] }
    return try ChartLibrary(
      in: named ?? DependencyFolder.searched(for: "charts") + [EncoderCatalog.cacheRoot.appending(path: "charts")])
  }
}
