import Hummingbird
import Synchronization

/// What the layers of the service tell each other of one request.
struct ServerContext: RequestContext {
  var coreContext: CoreRequestContextStorage
  let notes = Notes()

  init(source: Source) { coreContext = CoreRequestContextStorage(source: source) }

  /// What a handler found out that the log wants to know; never content.
  final class Notes: Sendable {
    private let state = Mutex((memes: 0, bytes: 0))

    var memes: Int {
      get { state.withLock { $0.memes } }
      set { state.withLock { $0.memes = newValue } }
    }

    /// Of the request's body.
    var bytes: Int {
      get { state.withLock { $0.bytes } }
      set { state.withLock { $0.bytes = newValue } }
    }
  }
}
