import Torch

/// A network that turns the tokens of texts into states and can be trained.
public protocol TextNetwork {
  /// Numbers of one state.
  var width: Int { get }
  /// Where it computes.
  var device: Device { get }

  /// The last states [N, L, width] of token ids [N, L].
  ///
  /// - Parameters:
  ///   - isPresent: [N, L], 1 for tokens and 0 for padding.
  ///   - generator: Given while training, for dropout.
  func callAsFunction(_ ids: Tensor, isPresent: Tensor, using generator: Generator?) -> Tensor
}
