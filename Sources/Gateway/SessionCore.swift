public import Cryptography
public import EventLog

/// The gateway's half of the session protocol for one loop, without I/O (docs/session.md draws it).
///
/// Values in, actions out: the loop's shell tells it of POSTs, acknowledgements, directives, lost connections and the
/// time; it answers with what to append and what to write. It keeps nothing that a restart loses (promise P6): what it
/// holds of a session only saves a record or a wait.
///
/// Each POST that waits is answered exactly once: by ``Action/respond(_:_:)`` or ``Action/close(_:)``, after which its
/// exchange is forgotten.
///
/// All times are microseconds of one clock that never goes back, also a message's `answerBy`: the shell tells the
/// workers by the database's.
public struct SessionCore {
  /// The shell's number for a POST's HTTP exchange; never used twice, and less than 2⁵⁶.
  public typealias Exchange = UInt64

  /// What the shell must do.
  public enum Action {
    /// Append this; then call ``SessionCore/acknowledged(_:succeeded:now:)`` with the ticket, if there is one.
    case append(CPEMessage, ticket: UInt64?)
    /// Answer the exchange.
    case respond(Exchange, Answer)
    /// Close the exchange's connection without an answer: what it carried may be lost, so the CPE must send it again.
    case close(Exchange)
  }

  /// What an exchange is answered with.
  public enum Answer: Equatable {
    /// 200 with InformResponse and the session's cookie.
    case informed
    /// 200 with the response to the CPE's request.
    case requestTaken
    /// 200 with fault 8005: send the request again (item 76).
    case retryRequest
    /// 200 with an RPC of ours.
    case rpc([UInt8])
    /// 204: nothing (more) is wanted of the CPE.
    case nothing
    /// 503 with Retry-After: the Inform could not be made durable.
    case unavailable
  }

  /// How long things may take.
  public struct Deadlines: Sendable {
    /// For the log's acknowledgement of what a POST carried.
    public var acknowledgement: Int64 = 8_000_000
    /// For a directive, from the POST's arrival.
    public var directive: Int64 = 5_000_000
    /// After which a waiting POST is asked about once more; what it brought is acknowledged then.
    public var repeated: Int64 = 2_000_000
    /// The least and most that an empty POST waits for a verdict before it asks itself.
    public var verdict: ClosedRange<Int64> = 300_000...2_000_000
    /// How long what is known of a session that was not ended is kept after its last POST.
    public var memory: Int64 = 60_000_000

    /// The defaults (docs/architecture.md, section 2.1).
    public init() {}
  }

  /// What the gateway knows of a POST in an established session.
  public struct Post {
    /// The device, from the cookie.
    public var device: UUID128
    /// The session, from the cookie.
    public var session: UUID128
    /// Whether the session waits for work, from the cookie.
    public var waits: Bool
    /// The session's CWMP version, from the cookie: its worker may know nothing of the Inform any more.
    public var namespaceMinor: UInt8
    /// How the session's CPE proved who it is, from the cookie.
    public var authentication: CPEMessage.Authentication

    /// Creates it from what the cookie says.
    public init(
      device: UUID128, session: UUID128, waits: Bool, namespaceMinor: UInt8 = 0,
      authentication: CPEMessage.Authentication = .none
    ) {
      self.device = device
      self.session = session
      self.waits = waits
      self.namespaceMinor = namespaceMinor
      self.authentication = authentication
    }
  }

  /// What is known of a session.
  private struct Known {
    var informPost: UInt64?
    var informedAt: Int64 = 0
    var verdict: Directive.Verdict?
    /// Whether anything was appended for the session since its Inform: a verdict from before says nothing then.
    var appended = false
    var lastID: [UInt8] = []
    /// How often in a row its CPE was told to send its request again.
    var retries = 0
    var waiting: [UInt64] = []
    var touched: Int64
  }

  private enum Purpose { case inform, request, work }

  /// A POST that has not been answered.
  private struct Waiting {
    var exchange: Exchange
    var message: CPEMessage
    var purpose: Purpose
    var acknowledged: Bool
    var asked = false
    var giveUpAt: Int64
  }

  private enum Alarm { case ask, askAgain, giveUp }

  /// Times in a row that a request may be asked for again (item 76). Then its connection is closed: another fault would
  /// have the CPE forget what it has to tell, and in its next session it will tell it.
  private static let mostRetries = 3

  private let instance: UUID128
  private let replyPartition: Int32
  private let deadlines: Deadlines
  private let loop: UInt8
  private var sessions: [UUID128: Known] = [:]
  private var ended = EndedSessions()
  private var waiting: [UInt64: Waiting] = [:]
  private var alarms = DeadlineHeap<(post: UInt64, alarm: Alarm)>()
  private var expiry = DeadlineHeap<UUID128>()
  /// How long directives take now.
  public private(set) var latency = DirectiveLatency()

  /// Creates the core of loop `loop` of a gateway.
  public init(instance: UUID128, loop: UInt8, replyPartition: Int32, deadlines: Deadlines = Deadlines()) {
    self.instance = instance
    self.loop = loop
    self.replyPartition = replyPartition
    self.deadlines = deadlines
  }

  /// POSTs that wait for an answer.
  public var waitingCount: Int { waiting.count }

  /// Sessions of which something is known.
  public var sessionCount: Int { sessions.count }

  /// When ``tick(now:)`` next has something to do, or nil.
  public var nextDeadline: Int64? {
    switch (alarms.first, expiry.first) {
    case (let a?, let b?): min(a, b)
    case (let a, let b): a ?? b
    }
  }

  // MARK: - POSTs

  /// An authenticated, admitted Inform: nothing is answered before the log has it (P1).
  public mutating func inform(_ exchange: Exchange, _ message: CPEMessage, now: Int64) -> [Action] {
    let post = post(of: exchange)
    sessions[message.session] = Known(informPost: post, informedAt: now, touched: now)
    expiry.insert(message.session, at: now + deadlines.memory)
    return append(exchange, message, post, .inform, now)
  }

  /// A request of the CPE's own in an established session (item 62, 68).
  public mutating func request(_ exchange: Exchange, _ message: CPEMessage, now: Int64) -> [Action] {
    know(message.session, now) { $0.appended = true }
    ended.remove(message.session)
    return append(exchange, message, post(of: exchange), .request, now)
  }

  /// A response, a fault, or a body that was refused, in an established session. The CPE waits for what is next.
  public mutating func response(_ exchange: Exchange, _ message: CPEMessage, now: Int64) -> [Action] {
    var message = message
    know(message.session, now) { known in
      known.appended = true
      // Only the gateway that sent the RPC can give a lost ID back; what it stamps is what it sent last.
      if message.cwmpID.isEmpty, !known.lastID.isEmpty {
        message.cwmpID = known.lastID
        message.isStamped = true
      }
    }
    ended.remove(message.session)
    let post = post(of: exchange)
    sessions[message.session]?.waiting.append(post)
    return append(exchange, message, post, .work, now)
  }

  /// An empty POST in an established session: the CPE asks what we want.
  public mutating func empty(_ exchange: Exchange, _ post: Post, peer: String, now: Int64) -> [Action] {
    let known = sessions[post.session]
    if !post.waits || (known?.verdict == .end && known?.appended == false) || ended.contains(post.session) {
      return [end(exchange, post.session)]
    }
    let id = self.post(of: exchange)
    var message = CPEMessage(.ready, device: post.device, session: post.session, post: postID(id))
    message.replyPartition = replyPartition
    message.peer = peer
    message.namespaceMinor = post.namespaceMinor
    message.authentication = post.authentication
    message.answerBy = now + deadlines.directive
    waiting[id] = Waiting(
      exchange: exchange, message: message, purpose: .work, acknowledged: true, giveUpAt: message.answerBy)
    alarms.insert((id, .giveUp), at: message.answerBy)
    know(post.session, now) { $0.waiting.append(id) }
    // The Inform was ours and the worker is at it: its verdict is on its way and most often `end`.
    if let known, known.informPost != nil, known.verdict == nil, !known.appended {
      let patience = latency.expected(now: now).map { $0 * 3 } ?? 0
      alarms.insert(
        (id, .ask), at: now + min(max(patience, deadlines.verdict.lowerBound), deadlines.verdict.upperBound))
      return []
    }
    return ask(id, now)
  }

  // MARK: - What comes back

  /// The log's word on an append that had a ticket.
  public mutating func acknowledged(_ ticket: UInt64, succeeded: Bool, now: Int64) -> [Action] {
    guard var post = waiting[ticket], !post.acknowledged else { return [] }
    guard succeeded else { return refuse(ticket, post) }
    switch post.purpose {
    case .inform:
      forget(ticket)
      return [.respond(post.exchange, .informed)]
    case .request:
      forget(ticket)
      sessions[post.message.session]?.retries = 0
      return [.respond(post.exchange, .requestTaken)]
    case .work:
      post.acknowledged = true
      waiting[ticket] = post
      // Not before: a `ready` that overtook what the POST brought would say that the CPE had answered nothing.
      alarms.insert((ticket, .askAgain), at: now + deadlines.repeated)
      return []
    }
  }

  /// A directive for this gateway, if it is for this loop; others are dropped silently.
  public mutating func directive(_ directive: Directive, now: Int64) -> [Action] {
    guard directive.post.instance == instance else { return [] }
    let id = directive.post.counter
    if let known = sessions[directive.session], known.informPost == id, directive.verdict != .send {
      return verdict(directive.verdict, directive.session, now)
    }
    guard let post = waiting[id], post.message.session == directive.session, post.purpose == .work else { return [] }
    switch directive.verdict {
    case .send:
      guard now <= post.message.answerBy else { return [] }
      know(directive.session, now) { $0.lastID = directive.cwmpID }
      forget(id)
      return [.respond(post.exchange, .rpc(directive.body))]
    case .end:
      // What the POST carried is in the log, for the worker has read it; its acknowledgement may come later.
      forget(id)
      ended.insert(directive.session)
      return [end(post.exchange, directive.session)]
    case .ask:
      return []
    }
  }

  /// The verdict on a session's Inform.
  private mutating func verdict(_ verdict: Directive.Verdict, _ session: UUID128, _ now: Int64) -> [Action] {
    guard var known = sessions[session] else { return [] }
    if known.verdict == nil { latency.observe(now - known.informedAt, now: now) }
    known.verdict = verdict
    sessions[session] = known
    guard !known.appended else { return [] }
    var actions: [Action] = []
    for id in known.waiting {
      guard let post = waiting[id] else { continue }
      if verdict == .end {
        forget(id)
        actions.append(end(post.exchange, session))
      } else {
        actions += ask(id, now)
      }
    }
    return actions
  }

  /// The exchange's connection has gone.
  public mutating func gone(_ exchange: Exchange) -> [Action] {
    let id = post(of: exchange)
    guard let post = waiting[id] else { return [] }
    forget(id)
    return post.purpose == .work ? [unsent(post)] : []
  }

  /// Does what has come due by `now`.
  public mutating func tick(now: Int64) -> [Action] {
    var actions: [Action] = []
    while let (id, alarm) = alarms.removeFirst(through: now) {
      guard let post = waiting[id] else { continue }
      switch alarm {
      case .ask:
        if !post.asked { actions += ask(id, now) }
      case .askAgain: actions.append(.append(ready(post), ticket: nil))
      case .giveUp:
        // No directive at all is a sample too, or gateways would not see that workers have stopped.
        if post.purpose == .work, post.acknowledged { latency.observe(deadlines.directive, now: now) }
        actions += giveUp(id, post)
      }
    }
    while let session = expiry.removeFirst(through: now) {
      guard let known = sessions[session] else { continue }
      if known.waiting.isEmpty, known.touched + deadlines.memory <= now {
        sessions[session] = nil
      } else {
        expiry.insert(session, at: max(known.touched, now) + deadlines.memory)
      }
    }
    return actions
  }

  /// Answers or gives up every POST that waits: the gateway stops.
  public mutating func stop() -> [Action] {
    waiting.keys.sorted().flatMap { id in waiting[id].map { giveUp(id, $0) } ?? [] }
  }

  /// Asks again about every POST that waits: directives may have been missed (section 2.3).
  public mutating func askAgain() -> [Action] {
    waiting.keys.sorted().compactMap { id in
      guard let post = waiting[id], post.purpose == .work, post.acknowledged, post.asked else { return nil }
      return .append(ready(post), ticket: nil)
    }
  }

  // MARK: - Parts

  private func post(of exchange: Exchange) -> UInt64 { exchange << 8 | UInt64(loop) }

  private func postID(_ counter: UInt64) -> PostID { PostID(instance: instance, counter: counter) }

  private mutating func know(_ session: UUID128, _ now: Int64, _ change: (inout Known) -> Void) {
    if sessions[session] == nil { expiry.insert(session, at: now + deadlines.memory) }
    change(&sessions[session, default: Known(touched: now)])
    sessions[session]?.touched = now
  }

  private mutating func append(
    _ exchange: Exchange, _ message: CPEMessage, _ post: UInt64, _ purpose: Purpose, _ now: Int64
  ) -> [Action] {
    var message = message
    message.post = postID(post)
    message.replyPartition = replyPartition
    message.answerBy = now + deadlines.directive
    let giveUpAt = now + (purpose == .work ? deadlines.directive : deadlines.acknowledgement)
    waiting[post] = Waiting(
      exchange: exchange, message: message, purpose: purpose, acknowledged: false, asked: purpose == .work,
      giveUpAt: giveUpAt)
    alarms.insert((post, .giveUp), at: giveUpAt)
    // The body travels in the action alone: a waiting POST keeps only what `ready` and `unsent` say of it.
    waiting[post]?.message.body = []
    return [.append(message, ticket: post)]
  }

  private mutating func ask(_ id: UInt64, _ now: Int64) -> [Action] {
    guard let post = waiting[id], !post.asked else { return [] }
    waiting[id]?.asked = true
    know(post.message.session, now) { $0.appended = true }
    alarms.insert((id, .askAgain), at: now + deadlines.repeated)
    return [.append(ready(post), ticket: nil)]
  }

  private func ready(_ post: Waiting) -> CPEMessage {
    var message = CPEMessage(
      .ready, device: post.message.device, session: post.message.session, post: post.message.post)
    message.replyPartition = replyPartition
    message.answerBy = post.message.answerBy
    message.peer = post.message.peer
    message.namespaceMinor = post.message.namespaceMinor
    message.authentication = post.message.authentication
    return message
  }

  private func unsent(_ post: Waiting) -> Action {
    var message = CPEMessage(
      .unsent, device: post.message.device, session: post.message.session, post: post.message.post)
    message.replyPartition = replyPartition
    return .append(message, ticket: nil)
  }

  /// No directive, or no acknowledgement, in time.
  private mutating func giveUp(_ id: UInt64, _ post: Waiting) -> [Action] {
    guard post.acknowledged else { return refuse(id, post) }
    forget(id)
    return [unsent(post), .respond(post.exchange, .nothing)]
  }

  /// What the POST carried is not durable: never a 204 that pretends (section 2.1, who says 204).
  private mutating func refuse(_ id: UInt64, _ post: Waiting) -> [Action] {
    forget(id)
    switch post.purpose {
    case .inform: return [.respond(post.exchange, .unavailable)]
    case .request:
      let retries = sessions[post.message.session]?.retries ?? 0
      sessions[post.message.session]?.retries = retries + 1
      return [retries < Self.mostRetries ? .respond(post.exchange, .retryRequest) : .close(post.exchange)]
    case .work: return [unsent(post), .close(post.exchange)]
    }
  }

  /// Ends a session with its last answer. What is known of it goes at once: a fleet that informs without work would
  /// otherwise be remembered for a minute, and a POST that is repeated asks the worker, as at any other gateway.
  private mutating func end(_ exchange: Exchange, _ session: UUID128) -> Action {
    // A verdict that is still to come is a sample of the latency.
    if let known = sessions[session], known.waiting.isEmpty, known.informPost == nil || known.verdict != nil {
      sessions[session] = nil
    }
    return .respond(exchange, .nothing)
  }

  private mutating func forget(_ id: UInt64) {
    guard let post = waiting.removeValue(forKey: id) else { return }
    sessions[post.message.session]?.waiting.removeAll { $0 == id }
  }
}
