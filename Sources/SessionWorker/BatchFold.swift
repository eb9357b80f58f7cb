public import CWMP
public import Cryptography
public import EventLog
public import Fleet

/// A batch of records folded into the devices they concern: the worker's pure core (docs/architecture.md, section 3).
///
/// What it needs was loaded; what it gives is persisted in sets, and its directives leave after the commit.
public struct BatchFold {
  /// One record of the batch.
  public struct Input: Sendable {
    /// Where it stands in the log: ids made by its fold come from it.
    public var offset: Int64
    /// The partition's number.
    public var partition: Int32
    /// What it says.
    public var message: CPEMessage
    /// Its body, parsed; nil where there is none to fold.
    public var body: Envelope?
    /// Whether its Inform is trivial: its contact is noted and nothing else happens.
    public var isTrivial = false

    /// Creates an input.
    public init(offset: Int64, partition: Int32, message: CPEMessage, body: Envelope?) {
      self.offset = offset
      self.partition = partition
      self.message = message
      self.body = body
    }
  }

  /// What came of the batch.
  public struct Outcome: Sendable {
    /// The devices of the batch as they are now.
    public var states: [UUID128: DeviceState]
    /// Directives, in order, with the partition they go to.
    public var directives: [(Directive, replyPartition: Int32)] = []
    /// Northbound events in order, each with an id that a replay would make again.
    public var events: [(id: UUID128, event: NorthboundEvent)] = []
    /// Tasks that are over.
    public var finished: [(task: RPCTask, state: RPCTask.State)] = []
    /// What an operator should see.
    public var alarms: [(device: UUID128, text: String)] = []
  }

  /// Folds `inputs` in order.
  /// - Parameters:
  ///   - states: what is known of each device of the batch.
  ///   - incarnation: names this log for ever; part of every id that is made.
  public static func fold(
    _ inputs: [Input], _ states: [UUID128: DeviceState], incarnation: UUID128, shared: Fold.Context.Shared
  ) -> Outcome {
    var outcome = Outcome(states: states)
    for input in inputs {
      let device = input.message.device
      let state = outcome.states[device] ?? DeviceState(id: device)
      if input.isTrivial {
        fold(trivial: input, state, shared.now, &outcome)
        continue
      }
      let ids = RecordIDs(
        incarnation, input.partition, input.offset, inform: input.message.kind == .inform ? input.message.session : nil,
        milliseconds: shared.now / 1000)
      let context = Fold.Context(shared, newID: ids.next)
      let (after, effects) = Fold.fold(state, input.message, input.body, context)
      outcome.states[device] = after
      for effect in effects { outcome.take(effect, device, ids) }
    }
    outcome.withdrawSends()
    return outcome
  }

  private static func fold(trivial input: Input, _ state: DeviceState, _ now: Int64, _ outcome: inout Outcome) {
    let message = input.message
    outcome.states[message.device]?.contact?.noteTrivial(message, now: now)
    guard message.waits, let post = message.post else { return }
    outcome.directives.append(
      (Directive(.end, post: post, session: message.session), replyPartition: message.replyPartition))
  }
}

extension BatchFold.Outcome {
  /// A `send` whose attempt a later record of the same batch ended (unsent, overtaken, lost) does not leave: its
  /// dispatch is not what is committed (P3), and what never left cannot be done twice.
  fileprivate mutating func withdrawSends() {
    let live = Set(
      states.values.lazy.flatMap(\.tasks).filter { $0.state == .dispatched }.map {
        CommandKey(task: $0.id, attempt: $0.attempt)
      })
    directives.removeAll { directive, _ in
      directive.verdict == .send && !(CommandKey(text: directive.cwmpID).map { live.contains($0) } ?? false)
    }
  }

  /// Sorts an effect of one record's fold.
  mutating func take(_ effect: Effect, _ device: UUID128, _ ids: RecordIDs) {
    switch effect {
    case .directive(let directive, let partition): directives.append((directive, partition))
    case .event(let event): events.append((ids.name(of: event), event))
    case .finished(let task, let state): finished.append((task, state))
    case .alarm(let text): alarms.append((device, text))
    }
  }
}

extension ContactRow {
  /// A trivial Inform: only that it came is new.
  mutating func noteTrivial(_ message: CPEMessage, now: Int64) {
    lastInform = now
    session = message.session
    eventsHash = message.eventsHash
    posted = false
  }
}

/// The ids that one record's fold makes: from the record's place, so that folding it again makes the same. After a
/// restore it may be folded into other things than the first time: so an event's id comes from what it tells, too. An
/// Inform's are its session's, which no other Inform has: one that the log has twice is told once more under the same
/// ids.
final class RecordIDs {
  private let namespace: UUID128
  private let place: String
  private let inform: UUID128?
  private let milliseconds: Int64
  private var count = 0
  private var told: [String: Int] = [:]

  /// - Parameter inform: the session that the record begins, if it does.
  init(_ incarnation: UUID128, _ partition: Int32, _ offset: Int64, inform: UUID128? = nil, milliseconds: Int64) {
    namespace = incarnation
    self.inform = inform
    place = "\(partition)/\(offset)/"
    self.milliseconds = milliseconds
  }

  /// An event's id, a UUIDv5.
  func name(of event: NorthboundEvent) -> UUID128 {
    let subject = event.task.map { "\(event.type)/\($0.id)/\($0.version)" } ?? event.type
    told[subject, default: 0] += 1
    if let inform { return UUID128.named("\(subject)/\(told[subject] ?? 0)", in: inform) }
    return UUID128.named("\(place)\(subject)/\(told[subject] ?? 0)", in: namespace)
  }

  private func nextName() -> UUID128 {
    count += 1
    return UUID128.named(place + String(count), in: namespace)
  }

  /// The next task's id: a UUIDv7 of the batch's time whose random part is the next name's.
  func next() -> UUID128 {
    let name = nextName()
    return UUID128(
      high: UInt64(bitPattern: milliseconds) << 16 | 0x7000 | (name.high >> 16 & 0xfff),
      low: name.low & 0x3fff_ffff_ffff_ffff | 0x8000_0000_0000_0000)
  }
}
