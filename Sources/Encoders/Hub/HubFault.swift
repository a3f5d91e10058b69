import Foundation

/// Why a model of the Hugging Face hub cannot be had.
public enum HubFault: Error, Equatable, Sendable, CustomStringConvertible {
  /// No name that the hub gives to a model or to a version of one.
  case invalidName
  /// The model was not fetched into the cache.
  case notCached(URL)
  /// `HF_ENDPOINT` is no HTTP address.
  case invalidEndpoint
  /// `HF_HUB_OFFLINE` forbids fetching what the cache does not have.
  case offline(URL)
  /// The hub wants to know who asks, or does not let them: status 401 or 403.
  case refused(URL, status: Int, hasToken: Bool)
  /// The hub has no such model, or the model not the file it lists.
  case notFound(URL)
  /// The network would not let a file through.
  case unreachable(URL, reason: String)
  /// A server that does not answer as the hub does.
  case unexpectedAnswer(URL, reason: String)
  /// A model without the files of an encoder.
  case noEncoder(URL, reason: String)
  /// Bytes that are not those the hub describes.
  case damaged(URL, reason: String)

  public var description: String {
    switch self {
    case .invalidName:
      "no name of a model on the Hugging Face hub; expected one such as openai/clip-vit-large-patch14"
    case .notCached(let folder):
      "not found in \(folder.path)"
    case .invalidEndpoint:
      "HF_ENDPOINT is no address of a hub; expected one such as https://huggingface.co, without user and password"
    case .offline(let folder):
      "not found in \(folder.path), and HF_HUB_OFFLINE forbids fetching it; unset that, or copy the model's folder "
        + "from the cache of another machine"
    case .refused(let address, let status, let hasToken):
      "\(address.absoluteString): the server answered with status \(status); "
        + (hasToken ? "the token in use may not read it" : "no token was sent")
        + ": check the name, accept the model's licence on its page, and set HF_TOKEN to a token that may read it"
    case .notFound(let address):
      "\(address.absoluteString): the hub has nothing of that name (status 404); check it"
    case .unreachable(let address, let reason):
      "\(address.absoluteString): \(reason); run this again, which goes on where it stopped, or set HF_ENDPOINT to a "
        + "mirror within reach, or copy the model's folder from the cache of another machine"
    case .unexpectedAnswer(let address, let reason):
      "\(address.absoluteString): \(reason); check that HF_ENDPOINT is the address of a hub"
    case .noEncoder(let address, let reason):
      "\(address.absoluteString): \(reason); expected a model in the layout of Hugging Face transformers"
    case .damaged(let file, let reason):
      "\(file.path): \(reason); deleted it; run this again, and set HF_ENDPOINT to another mirror if that does not help"
    }
  }
}
