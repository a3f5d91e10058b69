/// How often a stage is saved.
struct CheckpointPace: Sendable {
  /// Between two checkpoints; what a kill costs where saving is quick.
  var interval: Duration = .seconds(10)
  /// The part of the time that saving may take: networks of gigabytes are saved less often.
  var largestShare = 0.05

  /// After every batch, whatever it costs.
  static let everyBatch = CheckpointPace(interval: .zero, largestShare: 1)
}

/// Tells when a stage is to be saved next.
struct SavingClock {
  private let pace: CheckpointPace
  private let clock = ContinuousClock()
  private var lastSave: ContinuousClock.Instant
  private var cost = Duration.zero

  init(_ pace: CheckpointPace) {
    self.pace = pace
    lastSave = clock.now
  }

  var isDue: Bool { clock.now - lastSave >= max(pace.interval, cost * (1 / pace.largestShare - 1)) }

  mutating func save(_ body: () throws -> Void) rethrows {
    cost = try clock.measure(body)
    lastSave = clock.now
  }
}
