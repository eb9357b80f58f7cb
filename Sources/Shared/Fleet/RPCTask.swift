public import Cryptography

/// A live task: something to be done on one device (docs/architecture.md, section 4). The row of table `task`.
///
/// `queued → dispatched → [accepted →] succeeded | failed | in doubt`, plus cancelled, expired, dead. A finished task
/// is no longer live: its row moves to `task_history`.
public struct RPCTask: Sendable, Hashable {
  /// Where a task stands. Raw values are stored and never change.
  public enum State: Int16, Sendable, CaseIterable {
    /// Waits for the device's next session.
    case queued = 1
    /// Its RPC's bytes may have left; no answer yet.
    case dispatched = 2
    /// The CPE answered; the effect is awaited (Reboot, Download, ...).
    case accepted = 3
    /// Nobody knows whether the CPE did it; evidence or the deadline will tell (P4).
    case inDoubt = 4
    /// Done.
    case succeeded = 10
    /// Refused by the CPE for good, or without evidence by its deadline.
    case failed = 11
    /// Called off by an operator while queued.
    case cancelled = 12
    /// Not sent by its deadline.
    case expired = 13
    /// Failed as often as is allowed; can be queued anew by an operator.
    case dead = 14

    /// Whether the task is over.
    public var isFinal: Bool { rawValue >= 10 }

    /// As in the API and in events.
    public var name: String {
      switch self {
      case .queued: "queued"
      case .dispatched: "dispatched"
      case .accepted: "accepted"
      case .inDoubt: "in_doubt"
      case .succeeded: "succeeded"
      case .failed: "failed"
      case .cancelled: "cancelled"
      case .expired: "expired"
      case .dead: "dead"
      }
    }
  }

  /// Who asked for it. Raw values are stored and never change.
  public enum Origin: Int16, Sendable {
    /// An operator or another system, by the API.
    case api = 1
    /// A policy; the worker makes it as it dispatches it and forgets it with its session.
    case policy = 2
    /// A firmware campaign.
    case campaign = 3
    /// The rules of section 5: a device that came with the bootstrap credential gets its own.
    case credentials = 4
    /// The worker, to learn what a task of once needs as evidence; ends with its session.
    case preparation = 5

    /// As in the API and in events.
    public var name: String {
      switch self {
      case .api: "api"
      case .policy: "policy"
      case .campaign: "campaign"
      case .credentials: "credentials"
      case .preparation: "preparation"
      }
    }
  }

  /// What tells later whether an AddObject was done: the instances that were there before it went out. Of a restart
  /// or diagnostics, that it may have been told already (``missed``).
  public struct Evidence: Sendable, Hashable {
    /// The session in which they were read: the dispatch's.
    public var session: UUID128
    /// The last session in which the present ones were compared with them.
    public var compared: UUID128?
    /// The instance numbers, and those that are known to be another task's.
    public var instances: [UInt32]
    /// Whether the CPE told its instances: else nothing can be compared with them.
    public var isComparable = true

    /// Creates it from what was read.
    public init(session: UUID128, instances: [UInt32]) {
      self.session = session
      self.instances = instances
    }

    /// Session, compared session (zero for none, all ones where nothing can be compared), then each instance
    /// big-endian.
    public var bytes: [UInt8] {
      var bytes = session.bytes + (isComparable ? compared ?? .zero : Self.incomparable).bytes
      for instance in instances { withUnsafeBytes(of: instance.bigEndian) { bytes.append(contentsOf: $0) } }
      return bytes
    }

    /// Reads ``bytes``.
    public init?(bytes: [UInt8]) {
      guard bytes.count >= 32, bytes.count % 4 == 0, let session = UUID128(bytes: Array(bytes[0..<16])),
        let compared = UUID128(bytes: Array(bytes[16..<32]))
      else { return nil }
      self.session = session
      isComparable = compared != Self.incomparable
      self.compared = compared == .zero || !isComparable ? nil : compared
      instances = stride(from: 32, to: bytes.count, by: 4).map { start in
        bytes[start..<start + 4].reduce(0) { $0 << 8 | UInt32($1) }
      }
    }

    /// Of a Reboot or FactoryReset: a restart was told, or may have been, that may have been this task's. That none is
    /// told any more shows nothing (P4).
    public static let missed = Evidence(session: .zero, instances: [])

    private static let incomparable = UUID128(high: .max, low: .max)
  }

  /// The task's id, a UUIDv7.
  public var id: UUID128
  /// The device it concerns.
  public var device: UUID128
  /// What to do.
  public var request: TaskRequest
  /// Where it stands.
  public var state = State.queued
  /// Whether it must never be repeated blindly (P4).
  public var once: Bool
  /// What its deadline does while it is in doubt: false fails it, true queues it again.
  public var retriesOnDoubt = false
  /// Higher goes first; then the older.
  public var priority: Int16 = 0
  /// Who asked.
  public var origin: Origin
  /// The policy, campaign or API token it came from.
  public var originName = ""
  /// Unique among the device's live tasks.
  public var idempotencyKey: String?
  /// A task that must have succeeded before.
  public var dependsOn: UUID128?
  /// The number of the present attempt, 0 before the first.
  public var attempt: Int32 = 0
  /// How many attempts were lost or rebound.
  public var lost: Int32 = 0
  /// After that many failed attempts it is dead.
  public var maximumAttempts: Int32 = 5
  /// The session of the present attempt.
  public var session: UUID128?
  /// The POST that the present attempt is bound to, ``EventLog/PostID`` as bytes.
  public var post: [UInt8]?
  /// When the present attempt was dispatched, microseconds since 1970.
  public var dispatchedAt: Int64?
  /// Not before this time, microseconds since 1970.
  public var notBefore: Int64
  /// Every live task has one; microseconds since 1970.
  public var deadline: Int64
  /// What was read before the dispatch and is compared later, or that what shows it done may have been missed.
  public var evidence: Evidence?
  /// What came of it, as JSON; nil so far.
  public var result: [UInt8]?
  /// The last fault, as JSON; nil without one.
  public var fault: [UInt8]?
  /// Goes up with every change; its events' ids are made from it.
  public var version: Int32 = 1
  /// When it was made, microseconds since 1970.
  public var createdAt: Int64

  /// Creates a queued task.
  public init(
    id: UUID128, device: UUID128, request: TaskRequest, once: Bool? = nil, origin: Origin, createdAt: Int64,
    deadline: Int64
  ) {
    self.id = id
    self.device = device
    self.request = request
    self.once = once ?? request.isOnceByNature
    self.origin = origin
    self.createdAt = createdAt
    notBefore = createdAt
    self.deadline = deadline
  }
}
