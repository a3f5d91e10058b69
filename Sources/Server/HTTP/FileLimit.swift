import Foundation

/// How many files the system lets this process have open; connections count among them.
public enum FileLimit {
  /// What the program has open beside connections, amply.
  private static let reserve = 128

  /// Raises the limit as far as it is needed and allowed.
  ///
  /// - Returns: How many of the wanted connections there can be.
  public static func raise(for connections: Int) -> Int {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return connections }
    let wanted = rlim_t(connections + reserve)
    if limit.rlim_cur < wanted {
      limit.rlim_cur = min(wanted, limit.rlim_max)
      _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
    return min(connections, max(1, Int(clamping: limit.rlim_cur) - reserve))
  }
}
