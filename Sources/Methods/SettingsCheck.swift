/// Collects the first setting that lies outside what a network can be made of or trained with.
///
/// Recipes and model bundles come from outside: what passes here cannot stop the program later.
public struct SettingsCheck {
  private(set) var fault: String?

  mutating func require<Value: Comparable>(_ value: Value, in range: ClosedRange<Value>, _ name: String) {
    // A number that is not one compares false with both bounds.
    guard fault == nil, !(value >= range.lowerBound && value <= range.upperBound) else { return }
    fault = "\(name) is \(value); it must be from \(range.lowerBound) to \(range.upperBound)"
  }

  mutating func require(_ isMet: Bool, _ message: @autoclosure () -> String) {
    if fault == nil, !isMet { fault = message() }
  }

  mutating func require(_ settings: StageSettings, _ name: String) {
    require(settings.epochs, in: 1...100_000, "\(name).epochs")
    require(settings.batchSize, in: 1...1_000_000, "\(name).batch_size")
    require(settings.learningRate, in: 1e-12...1e3, "\(name).learning_rate")
    require(settings.learningRateDecay, in: 1e-6...1, "\(name).learning_rate_decay")
    require(settings.weightDecay, in: 0...1e3, "\(name).weight_decay")
  }

  mutating func require(_ training: HeadTraining, _ name: String) {
    require(
      !training.learningRateDecay.isEmpty,
      "\(name).learning_rate_decay is empty; give at least one entry, as {labels: 0.1, factor: 0.9}")
    for decay in training.learningRateDecay {
      require(
        StageSettings(
          epochs: training.epochs, batchSize: training.batchSize, learningRate: training.learningRate,
          learningRateDecay: decay.factor, weightDecay: training.weightDecay), name)
      require(decay.labels, in: 0...1, "\(name).learning_rate_decay.labels")
    }
  }

  mutating func require(_ training: AdamWTraining, _ name: String) {
    require(training.stageSettings, name)
    require(training.warmUp, in: 0...1, "\(name).warm_up")
    require(training.gradientClip, in: 0...1e6, "\(name).gradient_clip")
  }

  mutating func require(_ training: NetworkTraining, _ name: String) {
    require(training.stageSettings, name)
    require(training.beta2, in: 0...0.999999, "\(name).beta2")
    require(training.warmUp, in: 0...1, "\(name).warm_up")
    require(training.gradientClip, in: 0...1e6, "\(name).gradient_clip")
  }

  mutating func require(_ tuning: FineTuning) {
    require(tuning.frozenLayers, in: 0...100, "fine_tuning.frozen_layers")
    require(tuning.networkRate, in: 1e-6...1e3, "fine_tuning.network_rate")
    require(tuning.layerDecay, in: 1e-3...1, "fine_tuning.layer_decay")
    require(tuning.microBatch, in: 0...1_000_000, "fine_tuning.micro_batch")
  }

  /// The sizes of a transformer's layers, which recipes have under `name`.
  mutating func require(width: Int, heads: Int, inner: Int, dropoutRate: Double, of name: String = "network") {
    require(width, in: 1...8192, "\(name).width")
    require(heads, in: 1...256, "\(name).heads")
    require(
      heads < 1 || width.isMultiple(of: heads),
      "\(name).width is \(width); it must be a multiple of \(name).heads, \(heads)")
    require(inner, in: 1...65_536, "\(name).inner_width")
    require(dropoutRate, in: 0...0.99, "\(name).dropout_rate")
  }

  mutating func require(_ head: LinearHead.Configuration) {
    require(head.hidden, in: 1...65_536, "head.hidden")
    require(head.dropoutRate, in: 0...0.99, "head.dropout_rate")
  }

  mutating func require(_ head: FeatureHead.Configuration) {
    require(head.hidden, in: 1...65_536, "head.hidden")
    require(head.dropoutRate, in: 0...0.99, "head.dropout_rate")
  }

  mutating func require(_ constants: DistributionBalancedLoss.Constants) {
    require(constants.alpha, in: 0...1e6, "distribution_balance.alpha")
    require(constants.beta, in: 1e-9...1e6, "distribution_balance.beta")
    require(constants.mu, in: -1e6...1e6, "distribution_balance.mu")
    require(constants.negativeScale, in: 1e-6...1e6, "distribution_balance.negative_scale")
    require(constants.priorStrength, in: -1e3...1e3, "distribution_balance.prior_strength")
    require(constants.focalGamma, in: 0...100, "distribution_balance.focal_gamma")
    require(constants.focalBalance, in: 0...1e6, "distribution_balance.focal_balance")
  }
}
