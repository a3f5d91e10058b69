/// Why a service could not begin.
public enum ServerError: Error, CustomStringConvertible {
  case cannotListen(host: String, port: Int, reason: String)
  case unusableKeys(String)

  public var description: String {
    switch self {
    case .cannotListen(let host, let port, let reason):
      "cannot listen on \(host):\(port): \(reason); choose another --port or --host"
    case .unusableKeys(let reason): reason
    }
  }
}
