import CWMP
import Cryptography
import EventLog
import Fleet
import HTTP
import Networking
import Operations

/// What all listeners of one gateway loop share: the session core with its log, credentials, admission and clock. It
/// turns the core's actions into appends and answers. Lives on the loop.
final class GatewayLoop {
  /// An exchange that waits for the core's answer, and what its answer needs.
  struct Pending {
    var exchange: Exchange
    /// Of an Inform: the session's cookie.
    var cookie: SessionCookie?
    /// Of a CPE's request: how to answer it.
    var reply: Reply
    /// Since when it counts as an Inform in flight, until the answer: microseconds of the steady clock.
    var admittedAt: Int64?
  }

  /// What the CPE's body was, as far as its answer depends on it.
  struct Reply {
    var id: [UInt8]?
    var namespace: CWMPNamespace
    var request: CPERequest?
    var version: CWMPVersion?
  }

  let loop: EventLoop
  let log: any EventLog
  let clock: DatabaseClock
  let credentials: CredentialStore
  let cookies: SessionCookieCodec
  let authentication: Authentication
  let logger: Logger
  let metrics: GatewayMetrics
  let ids = UUIDv7Generator()
  let hasher = SHA256()
  var admission: Admission
  /// What each device has under way here.
  var posts = DevicePosts()
  /// Who failed to prove a credential.
  var failures = FailedProofs()
  private let replays: DigestReplays
  private var core: SessionCore
  private let producer: any LogProducer
  private let seal: RecordSeal
  private let instance: UUID128
  private var ranges: PartitionRanges
  private var restoreCount: Int32 = 0
  private var pending: [SessionCore.Exchange: Pending] = [:]
  private var nextExchange: SessionCore.Exchange = 0
  private var timer: LoopTimer?
  private var timerAt = Int64.max
  private var parsers: [EnvelopeParser] = []
  private(set) var isStopping = false

  init(
    _ parts: GatewayParts, number: UInt8, on loop: EventLoop, credentials: CredentialStore, clock: DatabaseClock,
    metrics: GatewayMetrics
  ) {
    self.loop = loop
    log = parts.log
    self.clock = clock
    self.credentials = credentials
    cookies = SessionCookieCodec(parts.keyring)
    authentication = Authentication(parts.keyring, realm: parts.realm, bootstrap: parts.bootstrap)
    replays = parts.replays
    logger = parts.logger
    self.metrics = metrics
    instance = parts.instance
    admission = Admission(parts.budget, seed: parts.instance.low ^ UInt64(number))
    core = SessionCore(
      instance: parts.instance, loop: number, replyPartition: parts.replyPartition, deadlines: parts.deadlines)
    producer = parts.log.producer(on: loop)
    seal = RecordSeal(parts.keyring, sealer: parts.sealer)
    ranges = PartitionRanges(count: parts.log.partitionCount(of: .messages))
  }

  // MARK: - From the handlers

  /// A parser for one body; give it back by ``recycle(_:)``.
  func parser() -> EnvelopeParser { parsers.popLast() ?? EnvelopeParser() }

  /// Takes a parser back.
  func recycle(_ parser: EnvelopeParser) {
    if parsers.count < 64 { parsers.append(parser) }
  }

  /// How long directives take now, in microseconds; nil where nothing recent is known.
  var latency: Int64? { core.latency.expected(now: clock.steady) }

  /// Whether a proof that is right was not used before. On TLS nobody can have read it.
  func isFirst(_ proof: Authentication.Proof, _ exchange: Exchange) -> Bool {
    guard case .digest(let digest, _, _) = proof, !exchange.connection.isTLS else { return true }
    return replays.isFirst(digest, from: exchange.peer.ip, now: clock.now / 1000)
  }

  /// The headers that ask for a credential.
  func challenges(_ policy: Authentication.Policy, isStale: Bool) -> FieldBlock {
    var fields = FieldBlock()
    for challenge in authentication.challenges(policy: policy, stale: isStale, now: clock.now) {
      fields.add("WWW-Authenticate", challenge)
    }
    return fields
  }

  /// The header of a 503.
  var retryLater: FieldBlock { FieldBlock("Retry-After", String(admission.retryAfter())) }

  func inform(_ waiting: Pending, _ message: CPEMessage) -> SessionCore.Exchange {
    start(waiting) { core, id, now in core.inform(id, message, now: now) }
  }

  func request(_ waiting: Pending, _ message: CPEMessage) -> SessionCore.Exchange {
    start(waiting) { core, id, now in core.request(id, message, now: now) }
  }

  func response(_ waiting: Pending, _ message: CPEMessage) -> SessionCore.Exchange {
    start(waiting) { core, id, now in core.response(id, message, now: now) }
  }

  func empty(_ waiting: Pending, _ post: SessionCore.Post, peer: String) -> SessionCore.Exchange {
    start(waiting) { core, id, now in core.empty(id, post, peer: peer, now: now) }
  }

  /// A record that nobody waits for: what a refused body means for its session.
  func tell(_ message: CPEMessage) { append(message, nil) }

  /// The exchange's connection has gone.
  func gone(_ id: SessionCore.Exchange) {
    guard finish(id) != nil else { return }
    perform(core.gone(id))
  }

  // MARK: - From the log

  /// Directives that were read for this loop.
  func take(_ directives: [Directive]) {
    for directive in directives { perform(core.directive(directive, now: clock.steady)) }
  }

  /// Directives may have been missed.
  func askAgain() { perform(core.askAgain()) }

  /// Where messages go from now on.
  func place(in ranges: PartitionRanges) { self.ranges = ranges }

  /// Which database messages are for from now on.
  func follow(restore count: Int32) { restoreCount = count }

  /// Answers everything that waits.
  func stop() {
    isStopping = true
    perform(core.stop())
  }

  // MARK: - Actions

  private func start(
    _ waiting: Pending, _ body: (inout SessionCore, SessionCore.Exchange, Int64) -> [SessionCore.Action]
  ) -> SessionCore.Exchange {
    nextExchange += 1
    let id = nextExchange
    pending[id] = waiting
    perform(body(&core, id, clock.steady))
    return id
  }

  private func perform(_ actions: [SessionCore.Action]) {
    for action in actions {
      switch action {
      case .append(let message, let ticket): append(message, ticket)
      case .respond(let id, let answer): respond(id, answer)
      case .close(let id):
        if let waiting = finish(id) {
          metrics.unanswered.increment()
          waiting.exchange.abort()
        }
      }
    }
    setTimer()
  }

  private func append(_ message: CPEMessage, _ ticket: UInt64?) {
    // Workers go by the database's clock.
    var message = message
    message.restoreCount = restoreCount
    if message.answerBy != 0 { message.answerBy = clock.database(message.answerBy) }
    producer.append(message.record(in: ranges, at: clock.now, seal: seal)) { [weak self] result in
      guard let self else { return }
      var succeeded = true
      if case .failure(let error) = result {
        succeeded = false
        metrics.appendFailures.increment()
        logger.debug("record not appended") { $0.add(error) }
      }
      if let ticket { perform(core.acknowledged(ticket, succeeded: succeeded, now: clock.steady)) }
    }
  }

  private func respond(_ id: SessionCore.Exchange, _ answer: SessionCore.Answer) {
    guard let waiting = finish(id) else { return }
    CWMPAnswer.write(answer, waiting, self)
  }

  /// Nothing waits on the exchange any more.
  private func finish(_ id: SessionCore.Exchange) -> Pending? {
    guard let waiting = pending.removeValue(forKey: id) else { return nil }
    if let since = waiting.admittedAt { admission.done(after: clock.steady - since, now: clock.steady) }
    return waiting
  }

  /// One timer for the core's next deadline.
  private func setTimer() {
    guard let at = core.nextDeadline else { return }
    guard timer == nil || at < timerAt else { return }
    timer?.cancel()
    timerAt = at
    timer = loop.schedule(after: .microseconds(max(at - clock.steady, 1_000))) { [weak self] in
      guard let self else { return }
      timer = nil
      perform(core.tick(now: clock.steady))
    }
  }
}
