public import CWMP
public import Cryptography
public import DataModel
public import EventLog
import Fleet
public import Policy

/// The heart of the worker: what one record of `cwmp.messages` does to one device (docs/architecture.md, sections 2 to
/// 6).
///
/// Pure: no clock, no I/O, no randomness of its own. State and message in, state and effects out, so that the
/// simulation can run millions of folds from a seed and the batch writer can persist them in sets.
public struct Fold {
  /// What a fold is given besides state and message.
  public struct Context {
    /// What all folds of a batch share.
    public struct Shared {
      /// The policies in force.
      public var policies: PolicyEngine
      /// Goes up with every change of a policy.
      public var policyEpoch: Int64
      /// What operators may set.
      public var settings: FoldSettings
      /// The batch's time by the database's clock, microseconds since 1970.
      public var now: Int64
      /// The passwords for a device's own credentials.
      public var secrets: any DeviceSecrets
      /// What the twin keeps of a secret value.
      public var fingerprint: SecretFingerprint

      /// Gathers what a batch's folds share.
      public init(
        policies: PolicyEngine, policyEpoch: Int64, settings: FoldSettings, now: Int64, secrets: any DeviceSecrets,
        fingerprint: SecretFingerprint
      ) {
        self.policies = policies
        self.policyEpoch = policyEpoch
        self.settings = settings
        self.now = now
        self.secrets = secrets
        self.fingerprint = fingerprint
      }
    }

    /// What all folds of a batch share.
    public var shared: Shared
    /// New ids for tasks, the same for the same record when it is folded again.
    public var newID: () -> UUID128

    /// Creates the context of one record's fold.
    public init(_ shared: Shared, newID: @escaping () -> UUID128) {
      self.shared = shared
      self.newID = newID
    }
  }

  /// What the device is now.
  public internal(set) var state: DeviceState
  /// What is to be done besides.
  public internal(set) var effects: [Effect] = []
  let context: Context
  let message: CPEMessage

  var now: Int64 { context.shared.now }
  /// The time as twins count it.
  var milliseconds: UnixMilliseconds { context.shared.now / 1000 }
  var settings: FoldSettings { context.shared.settings }

  /// Folds `message` into `state`.
  /// - Parameter body: the message's body, parsed; nil for kinds without one and for a body that was refused.
  /// - Returns: the new state and the effects, in order.
  public static func fold(
    _ state: DeviceState, _ message: CPEMessage, _ body: Envelope?, _ context: Context
  ) -> (DeviceState, [Effect]) {
    var fold = Fold(state: state, context: context, message: message)
    if !state.failedPrerequisites.isEmpty { fold.failOrphans() }
    fold.run(body)
    if !fold.state.failedPrerequisites.isEmpty { fold.failOrphans() }
    return (fold.state, fold.effects)
  }

  /// A record of the device could not be read: what was outstanding got no answer that we know of, and the session is
  /// over (P7). It may have told anything, a BOOTSTRAP too: so nothing is believed of the device's values any more, and
  /// that no restart was told shows nothing.
  static func passOver(_ state: DeviceState, _ context: Context) -> (DeviceState, [Effect]) {
    var fold = Fold(
      state: state, context: context, message: CPEMessage(.lost, device: state.id, session: state.session?.id ?? .zero))
    guard state.device != nil else { return (state, []) }
    fold.forgetValues()
    fold.state.contact?.digest = []
    for index in state.tasks.indices where state.tasks[index].awaitsEvidence { fold.mayHaveRestarted(index) }
    guard let outstanding = state.session?.outstanding else { return (fold.state, []) }
    fold.state.session = nil
    guard let index = state.index(of: outstanding.task), state.tasks[index].state == .dispatched else {
      return (fold.state, [])
    }
    if state.tasks[index].once {
      fold.change(index) { $0.state = .inDoubt }
    } else {
      fold.finish(index, .failed, fault: FaultText.refused("it could not be read"))
    }
    return (fold.state, fold.effects)
  }

  private init(state: DeviceState, context: Context, message: CPEMessage) {
    self.state = state
    self.context = context
    self.message = message
  }

  private mutating func run(_ body: Envelope?) {
    switch message.kind {
    case .inform: foldInform(body)
    case .ready: foldReady()
    case .response: foldResponse(body)
    case .unsent: foldUnsent()
    case .request: foldRequest(body)
    case .lost: foldLost()
    case .due: foldDue()
    }
  }

  // MARK: - Sessions

  /// Whether the message belongs to the device's present session.
  var isPresent: Bool { state.contact?.session == message.session }

  /// The row of the message's session, made when there is none yet.
  mutating func openSession() -> SessionRow {
    if let session = state.session, session.id == message.session { return session }
    return SessionRow(
      id: message.session, namespaceMinor: message.namespaceMinor, events: message.events.map(\.code),
      authentication: message.authentication.rawValue, lastPostAt: now,
      lostAfter: max(settings.sessionTimeout, Int32(clamping: message.sessionTimeout)))
  }

  /// Ends the device's session: what is outstanding may or may not have been done.
  mutating func endSession() {
    guard let session = state.session else { return }
    state.session = nil
    if let outstanding = session.outstanding { lose(outstanding) }
  }

  /// An attempt that will get no answer in its session: repeatable work is queued again, once work is in doubt (P4).
  mutating func lose(_ outstanding: SessionRow.Outstanding) {
    guard let index = state.index(of: outstanding.task), state.tasks[index].attempt == outstanding.attempt,
      state.tasks[index].state == .dispatched
    else { return }
    doubtEffects(of: state.tasks[index])
    if state.tasks[index].isOfSession {
      finish(index, .failed, fault: FaultText.lost)
    } else if state.tasks[index].once {
      change(index) { $0.state = .inDoubt }
    } else {
      retry(index, fault: FaultText.lost, countsAsLost: true)
    }
  }

  /// Tells the gateway; nothing where the record names no POST.
  mutating func tell(_ verdict: Directive.Verdict, cwmpID: [UInt8] = [], body: [UInt8] = []) {
    guard let post = message.post else { return }
    effects.append(
      .directive(
        Directive(
          verdict, post: post, session: message.session, cwmpID: cwmpID, answerBy: message.answerBy, body: body),
        replyPartition: message.replyPartition))
  }

  // MARK: - Messages about sessions

  /// A gateway gave a POST up without having written its `send`: the attempt bound to it was not sent, whatever its
  /// state. It is none: the next one has its number again, unless it left for another POST before.
  mutating func foldUnsent() {
    guard let post = message.post?.bytes else { return }
    let rebound = state.session?.outstanding.flatMap { $0.rebound ? $0.task : nil }
    if state.session?.id == message.session {
      state.session?.deadPost = post
      if state.session?.outstanding?.post == post { state.session?.outstanding = nil }
    }
    // More than one where an attempt was rebound to a POST that had another before.
    while let index = state.tasks.firstIndex(where: {
      $0.post == post && ($0.state == .dispatched || $0.state == .inDoubt)
    }) {
      if state.tasks[index].isOfSession {
        finish(index, .failed, fault: FaultText.lost)
      } else {
        change(index) { task in
          task.state = .queued
          task.post = nil
          task.session = nil
          if task.id != rebound { task.attempt -= 1 }
        }
      }
    }
  }

  /// The scheduler saw no POST for too long; a POST since then makes it void.
  mutating func foldLost() {
    guard let session = state.session, session.id == message.session,
      session.lastPostAt + Int64(session.lostAfter) * 1_000_000 <= now
    else { return }
    endSession()
  }

  /// A live task is past its deadline and its evidence never came.
  mutating func foldDue() {
    guard let task = message.task, let index = state.index(of: task), state.tasks[index].attempt == message.attempt,
      state.tasks[index].deadline <= now
    else { return }
    switch state.tasks[index].state {
    case .queued: finish(index, .expired, fault: FaultText.expired)
    case .dispatched, .accepted, .inDoubt:
      doubtEffects(of: state.tasks[index])
      if state.tasks[index].retriesOnDoubt {
        let patience = max(state.tasks[index].deadline - state.tasks[index].createdAt, 60_000_000)
        let deadline = now + patience
        change(index) { $0.deadline = deadline }
        retry(index, fault: FaultText.noEvidence, countsAsLost: true)
      } else {
        finish(index, .failed, fault: FaultText.noEvidence)
      }
    default: break
    }
    if state.session?.outstanding?.task == task { state.session?.outstanding = nil }
  }
}
