/// One part of a process: a pool of connections, a listener, a shard. Parts start in the order in which they are added,
/// each after the ones it stands on, and stop in the reverse order.
public struct LifecyclePart: Sendable {
  /// Its name in logs and errors.
  public var name: String
  /// Returns once the part is of use to those added after it; throws what keeps the process from running, or what is
  /// away: then it is called again.
  public var start: @Sendable () async throws -> Void
  /// The part's own life, where it has one: returns or throws only when it ends without being stopped, which ends the
  /// process. Cancelled before `stop` is called.
  public var run: (@Sendable () async throws -> Void)?
  /// Takes the new configuration, certificates or secrets on SIGHUP; an error is logged and the old ones stay.
  public var reload: (@Sendable () async throws -> Void)?
  /// Finishes what is open and frees what is held; returns when done.
  public var stop: @Sendable () async -> Void
  /// How long one call of `start` may take.
  public var startDeadline: Duration
  /// How long `stop` may take before the next part is stopped all the same.
  public var stopDeadline: Duration

  /// A part.
  public init(
    _ name: String, startDeadline: Duration = .seconds(60), stopDeadline: Duration = .seconds(10),
    start: @escaping @Sendable () async throws -> Void = {}, run: (@Sendable () async throws -> Void)? = nil,
    reload: (@Sendable () async throws -> Void)? = nil, stop: @escaping @Sendable () async -> Void = {}
  ) {
    self.name = name
    self.start = start
    self.run = run
    self.reload = reload
    self.stop = stop
    self.startDeadline = startDeadline
    self.stopDeadline = stopDeadline
  }
}

/// Why a process ended.
public struct LifecycleEnd: Equatable, Sendable, CustomStringConvertible {
  /// 0 after an orderly stop, else 1.
  public let exitCode: Int32
  /// `SIGTERM`, or which part ended how.
  public let reason: String

  /// An end.
  public init(exitCode: Int32, reason: String) {
    self.exitCode = exitCode
    self.reason = reason
  }

  /// The reason.
  public var description: String { reason }
}
