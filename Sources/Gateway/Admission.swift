public import EventLog

/// How urgent a session is, from the events of its Inform (docs/architecture.md, section 2.5). POSTs of admitted
/// sessions (C0) are never refused and have no class here.
public enum SessionClass: Int, Sendable, Comparable, CaseIterable {
  /// C1: bootstrap, a transfer's result, a connection request of ours.
  case urgent = 1
  /// C2: a device that has started.
  case boot = 2
  /// C3: a value that we watch has changed.
  case valueChange = 3
  /// C4: periodic and the rest.
  case routine = 4

  /// The most urgent of an Inform's events.
  public init(_ events: [CPEMessage.Event]) {
    self =
      events.map { event in
        switch event.code {
        case "0 BOOTSTRAP", "6 CONNECTION REQUEST", "7 TRANSFER COMPLETE", "10 AUTONOMOUS TRANSFER COMPLETE",
          "11 DU STATE CHANGE COMPLETE", "M Download", "M ScheduleDownload", "M Upload":
          .urgent
        case "1 BOOT", "M Reboot": .boot
        case "4 VALUE CHANGE", "8 DIAGNOSTICS COMPLETE": .valueChange
        default: .routine
        }
      }.min() ?? .routine
  }

  /// The more urgent first.
  public static func < (left: SessionClass, right: SessionClass) -> Bool { left.rawValue < right.rawValue }

  /// The share of the budget, in percent, up to which a session of this class is admitted.
  var share: Int {
    switch self {
    case .urgent: 100
    case .boot: 90
    case .valueChange: 80
    case .routine: 70
    }
  }
}

/// What one loop lets in, so that it serves what it admitted and refuses the rest cheaply (promise P8). Pure.
///
/// Two stages: before the body, blind to class, by what is in flight; after the parsed Inform by class, for which the
/// last 30 % of the budget are kept. In flight are Informs that were admitted and not yet acknowledged by the log, and
/// the bytes of all bodies, whatever they are, from their arrival to their answer.
///
/// How many Informs may be in flight follows what the log does: more than it acknowledges in ``patience`` would only
/// wait, and in the end be refused after they have cost all that they cost.
public struct Admission: Sendable {
  /// What may be in flight.
  public struct Budget: Sendable {
    /// Informs, at most.
    public var informs = 2_000
    /// Bytes of bodies.
    public var bytes = 64 * 1024 * 1024

    /// The defaults.
    public init() {}
  }

  /// An acknowledgement that takes longer, in microseconds, shows that too much is in flight.
  static let patience: Int64 = 2_000_000
  /// Tenths of a look-up, beyond a routine session's share, for each Inform that is done: by them the urgent come
  /// through.
  private static let earnedTenths = 3
  private static let mostTenths = 300

  private let budget: Budget
  /// Informs that may be in flight now.
  private(set) var limit: Int
  private var loweredAt = Int64.min / 2
  private var lookUpTenths = Admission.mostTenths
  private var informs = 0
  private var bytes = 0
  private var lastProbe = Int64.min / 2
  private var random: UInt64

  /// Creates it with nothing in flight.
  /// - Parameter seed: where the jitter of Retry-After begins; any number.
  public init(_ budget: Budget, seed: UInt64) {
    self.budget = budget
    limit = budget.informs
    random = seed
  }

  /// Stage 1: whether a POST without a valid cookie is read at all.
  public func admitsBody(of length: Int?) -> Bool {
    informs < limit && bytes + (length ?? 0) <= budget.bytes
  }

  /// Stage 1 where PostgreSQL must be asked whose POST it is: not for more than can be let in, or the look-ups of those
  /// that are refused would take the room of the others' Informs.
  /// - Parameter waiting: how many look-ups are under way.
  public mutating func admitsLookUp(waiting: Int) -> Bool {
    if informs + waiting < limit * SessionClass.routine.share / 100 { return true }
    guard lookUpTenths >= 10 else { return false }
    lookUpTenths -= 10
    return true
  }

  /// Whether bodies take more than the budget: then no more is read of those that could be refused.
  public var isFull: Bool { bytes > budget.bytes }

  /// Bytes of a body have come.
  public mutating func take(bytes count: Int) { bytes += count }

  /// A body that has had its answer, or was given up, is forgotten.
  public mutating func drop(bytes count: Int) { bytes -= count }

  /// Stage 2: whether an Inform of this class, whose body has come, goes on, and then counts as in flight until
  /// ``done(after:now:)``.
  public mutating func admit(_ kind: SessionClass) -> Bool {
    guard informs < limit * kind.share / 100, bytes <= budget.bytes * kind.share / 100 else { return false }
    informs += 1
    return true
  }

  /// The log has taken an admitted Inform, or it was given up.
  /// - Parameters:
  ///   - time: how long after it was admitted, microseconds.
  ///   - now: microseconds of a clock that does not jump.
  public mutating func done(after time: Int64, now: Int64) {
    lookUpTenths = min(lookUpTenths + Self.earnedTenths, Self.mostTenths)
    if time > Self.patience {
      // Once for all that were in flight together.
      if now - loweredAt > Self.patience / 2 {
        limit = max(limit / 2, budget.informs / 50, 1)
        loweredAt = now
      }
    } else if informs * 2 >= limit, limit < budget.informs {
      limit += 1
    }
    informs -= 1
  }

  /// Seconds for Retry-After: spread over 30 to 600, later the fuller it is, so that a herd does not come back at once.
  public mutating func retryAfter() -> Int {
    random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    let longest = 60 + 540 * min(informs, limit) / max(limit, 1)
    return 30 + Int(random >> 33) % (longest - 29)
  }

  /// Whether a session waits for work (section 2.5): routine ones do not while directives lag, but for one a second
  /// that probes the lag, so that the state cannot latch.
  /// - Parameters:
  ///   - latency: how long directives take, microseconds; nil when not known.
  ///   - limit: the latency from which on they lag.
  public mutating func waits(_ kind: SessionClass, latency: Int64?, limit: Int64 = 1_500_000, now: Int64) -> Bool {
    guard kind >= .valueChange, let latency, latency > limit else { return true }
    guard now - lastProbe >= 1_000_000 else { return false }
    lastProbe = now
    return true
  }
}
