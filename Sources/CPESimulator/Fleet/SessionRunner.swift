import CWMP
import HTTP
import Networking

/// Carries out what a ``SessionCore`` says, on one connection after another. Used again for other sessions.
final class SessionRunner: ConnectionDelegate {
  private unowned let shard: FleetShard
  private var core: SessionCore?
  private var cpe: SimulatedCPE?
  private var connection: Connection?
  private var parser = ResponseParser()
  private var body: [UInt8] = []
  /// Waits for the connection to stand, or for its delay to pass.
  private var outgoing: SessionPost?
  private var isAwaitingAnswer = false
  private var deadline: LoopTimer?
  private var beganAt: Int64 = 0
  private var postedAt: Int64 = 0
  private var stopwatch = StepStopwatch()
  /// Sessions led; what comes late for an earlier one does not count.
  private var generation = 0

  init(shard: FleetShard) { self.shard = shard }

  /// - Parameter beganAt: From when the session's time counts, in monotonic microseconds.
  func begin(_ cpe: SimulatedCPE, beganAt: Int64) {
    generation += 1
    self.cpe = cpe
    self.beganAt = beganAt
    stopwatch = StepStopwatch()
    let now = Clock.milliseconds
    var core = SessionCore(cpe.state, plan: shard.plan, now: now)
    let step = core.begin(&cpe.state, shard.plan, now: now)
    self.core = core
    perform(step)
  }

  /// Breaks the session off.
  func abandon() { end(.misbehaved) }

  private func perform(_ step: SessionStep) {
    switch step {
    case .end(let end): self.end(end)
    case .post(let post) where post.delayMilliseconds > 0:
      let present = generation
      deadline?.cancel()
      deadline = nil
      shard.loop.schedule(after: .milliseconds(post.delayMilliseconds)) { [weak self] in
        guard let self, self.generation == present else { return }
        self.send(post)
      }
    case .post(let post): send(post)
    }
  }

  private func send(_ post: SessionPost) {
    postedAt = Clock.monotonicMicroseconds
    if let timer = deadline {
      shard.deadlines.restart(timer)
    } else {
      deadline = shard.deadlines.start { [weak self] in self?.end(.timedOut) }
    }
    if let connection, connection.isOpen, !post.onNewConnection { return write(post, connection) }
    outgoing = post
    connect()
  }

  private func connect() {
    let old = connection
    connection = nil
    old?.close()
    parser = ResponseParser()
    guard let cpe else { return }
    do {
      connection = try Connection.connect(
        to: shard.acs, on: shard.loop, options: shard.connectOptions(for: cpe), delegate: self)
    } catch {
      end(.connectFailed)
    }
  }

  private func write(_ post: SessionPost, _ connection: Connection) {
    if let cut = post.cutAt {
      connection.write(post.bytes.span.extracting(0..<cut))
      return end(.misbehaved, flushing: true)
    }
    isAwaitingAnswer = true
    connection.write(post.bytes)
    stopwatch.wrote(at: Clock.monotonicMicroseconds)
    guard post.isSentTwice else { return }
    // The first connection stays open a moment, so that the ACS has both; what it answers there is not read.
    self.connection = nil
    shard.loop.schedule(after: .milliseconds(200)) { connection.close() }
    var again = post
    again.isSentTwice = false
    isAwaitingAnswer = false
    outgoing = again
    connect()
  }

  // MARK: - The connection

  func connected(_ connection: Connection) {
    guard connection === self.connection, let post = outgoing else { return connection.close() }
    outgoing = nil
    write(post, connection)
  }

  func received(_ bytes: Span<UInt8>, _ connection: Connection) -> Int {
    guard connection === self.connection, isAwaitingAnswer else { return bytes.count }
    stopwatch.received(at: Clock.monotonicMicroseconds)
    var position = 0
    do {
      while isAwaitingAnswer, connection === self.connection {
        switch try parser.next(bytes, from: &position) {
        case .needMore: return bytes.count
        case .head: body.removeAll(keepingCapacity: true)
        case .body(let range): take(bytes.extracting(range))
        case .end: answered()
        }
      }
    } catch {
      end(.malformed("HTTP: \(error)"))
    }
    return bytes.count
  }

  private func take(_ bytes: Span<UInt8>) {
    bytes.withUnsafeBufferPointer { body.append(contentsOf: $0) }
  }

  func receivedEnd(_ connection: Connection) {
    guard connection === self.connection else { return connection.close() }
    if isAwaitingAnswer, let event = try? parser.inputEnded(), event == .end { answered() }
    connection.close()
  }

  func ended(_ connection: Connection, _ why: ConnectionEnd) {
    guard connection === self.connection else { return }
    self.connection = nil
    if outgoing != nil {
      end(why == .establishmentTimedOut ? .timedOut : .connectFailed)
    } else if isAwaitingAnswer {
      end(.connectionLost)
    }
  }

  private func answered() {
    guard let cpe, core != nil else { return }
    isAwaitingAnswer = false
    shard.statistics.postLatency.record(Clock.monotonicMicroseconds - postedAt)
    let head = parser.head
    var answer = SessionAnswer(status: Int(head.status.rawValue))
    answer.keepsAlive = head.keepsAlive
    answer.cookies = head.values(of: "set-cookie")
    if answer.status == 401 { answer.challenges = head.values(of: "www-authenticate") }
    if answer.status == 503 { answer.retryAfter = head["retry-after"].flatMap { Int($0) } }
    swap(&answer.body, &body)
    if !answer.keepsAlive {
      let old = connection
      connection = nil
      old?.close()
    }
    let rpcs = core?.report.rpcs.count ?? 0
    guard let step = core?.answered(answer, &cpe.state, shard.plan, now: Clock.milliseconds) else { return }
    if let step = stopwatch.finished(rpcs: rpcs, core?.report.rpcs.count ?? rpcs) {
      shard.statistics.stepLatency.record(step.microseconds)
      if step.isResponse { shard.statistics.responseLatency.record(step.microseconds) }
    }
    perform(step)
  }

  private func end(_ end: SessionEnd, flushing: Bool = false) {
    guard let cpe, var report = core?.report else { return }
    generation += 1
    // What still waits for its connection was never sent.
    if outgoing != nil { report.posts -= 1 }
    core = nil
    self.cpe = nil
    outgoing = nil
    isAwaitingAnswer = false
    deadline?.cancel()
    deadline = nil
    let old = connection
    connection = nil
    if flushing { old?.closeAfterFlush() } else { old?.close() }
    report.end = end
    report.microseconds = Clock.monotonicMicroseconds - beganAt
    shard.sessionEnded(cpe, report, runner: self)
  }
}
