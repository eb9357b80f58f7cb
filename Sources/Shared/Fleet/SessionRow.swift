public import Cryptography

/// A session in which there was work: the row of table `session`, one a device. A session without work writes none.
public struct SessionRow: Sendable, Hashable {
  /// An RPC that was sent, or may have been, and is not answered.
  public struct Outstanding: Sendable, Hashable {
    /// Its task.
    public var task: UUID128
    /// The attempt.
    public var attempt: Int32
    /// The POST that it is bound to, as bytes of the event log's post id.
    public var post: [UInt8]
    /// Whether it was bound to another POST before; a second time is one too many.
    public var rebound = false

    /// Creates it at dispatch.
    public init(task: UUID128, attempt: Int32, post: [UInt8]) {
      self.task = task
      self.attempt = attempt
      self.post = post
    }
  }

  /// The session, a UUIDv7.
  public var id: UUID128
  /// N of the session's `urn:dslforum-org:cwmp-1-N` (item 32).
  public var namespaceMinor: UInt8
  /// The event codes of its Inform.
  public var events: [String]
  /// How the CPE proved who it is, the raw value of the record's authentication.
  public var authentication: UInt8
  /// How many CPE requests its Inform announced (events 7, 9 to 12) that have not come yet.
  public var announced: Int16 = 0
  /// How often policies were evaluated in it.
  public var rounds: Int16 = 0
  /// How many RPCs were sent in it.
  public var rpcs: Int16 = 0
  /// What was sent last and is not answered.
  public var outstanding: Outstanding?
  /// The last POST that its gateway gave up: nothing is bound to it any more.
  public var deadPost: [UInt8] = []
  /// The POSTs, as 24 bytes each, that brought an answer without its cwmp:ID. What such a record settles is told by
  /// what is outstanding, so that another record of the same POST, appended late, would settle something else.
  public private(set) var unnamedAnswers: [UInt8] = []
  /// The last POST known, microseconds since 1970.
  public var lastPostAt: Int64
  /// After this many seconds without a POST the session is lost: max(30, SessionTimeout).
  public var lostAfter: Int32
  /// What policies keep from round to round, as they encode it.
  public var policyState: [UInt8] = []

  /// How many POSTs with answers without ID are kept: a record comes twice soon after or not at all.
  private static let mostUnnamed = 16

  /// Whether a POST has brought an answer without ID already.
  public func hasAnswered(_ post: [UInt8]) -> Bool {
    !post.isEmpty
      && stride(from: 0, to: unnamedAnswers.count, by: post.count).contains { start in
        unnamedAnswers[start...].starts(with: post)
      }
  }

  /// Notes that a POST brought an answer without ID.
  public mutating func noteUnnamedAnswer(_ post: [UInt8]) {
    guard !post.isEmpty, !hasAnswered(post) else { return }
    unnamedAnswers += post
    unnamedAnswers.removeFirst(max(unnamedAnswers.count - Self.mostUnnamed * post.count, 0))
  }

  /// Takes what was stored.
  public mutating func restore(unnamedAnswers: [UInt8]) { self.unnamedAnswers = unnamedAnswers }

  /// Creates the row when a session turns out to have work.
  public init(
    id: UUID128, namespaceMinor: UInt8, events: [String], authentication: UInt8, lastPostAt: Int64, lostAfter: Int32
  ) {
    self.id = id
    self.namespaceMinor = namespaceMinor
    self.events = events
    self.authentication = authentication
    self.lastPostAt = lastPostAt
    self.lostAfter = lostAfter
  }
}
