import CWMP
import Cryptography
import DataModel
import EventLog
import Fleet
import Policy

// What to send next, and sending it: only in answer to a record that says that a POST waits (docs/architecture.md,
// section 2.1).
extension Fold {
  /// The next thing to do on the device in this session.
  enum Work {
    /// A task that is there.
    case task(UUID128)
    /// What must be read before a task of once goes out, or settles.
    case preparation(for: UUID128, path: String)
    /// What policies ask.
    case planned(PlannedRPC)
  }

  /// An empty POST waits.
  mutating func foldReady() {
    guard isPresent else { return tell(.end) }
    state.contact?.posted = true
    guard message.answerBy > now, let post = message.post?.bytes else { return }
    var session = openSession()
    session.lastPostAt = now
    session.announced = 0
    guard session.deadPost != post else {
      state.session = session
      return
    }
    state.session = session
    if let outstanding = session.outstanding {
      serveAgain(outstanding, post)
    } else {
      sendNext(post)
    }
  }

  /// A POST waits though something is outstanding: the same POST gets the same directive; another one means that the
  /// CPE did not get, or did not keep, what was sent.
  mutating func serveAgain(_ outstanding: SessionRow.Outstanding, _ post: [UInt8]) {
    guard let index = state.index(of: outstanding.task), state.tasks[index].attempt == outstanding.attempt else {
      state.session?.outstanding = nil
      return sendNext(post)
    }
    if outstanding.post == post { return send(index, post, isNew: false) }
    if state.tasks[index].once {
      state.session?.outstanding = nil
      doubtEffects(of: state.tasks[index])
      if state.tasks[index].state == .dispatched { change(index) { $0.state = .inDoubt } }
      return sendNext(post)
    }
    guard !outstanding.rebound else {
      lose(outstanding)
      state.session?.outstanding = nil
      return endByVerdict()
    }
    state.session?.outstanding?.post = post
    state.session?.outstanding?.rebound = true
    state.session?.rpcs += 1
    change(index) { task in
      task.post = post
      task.lost += 1
    }
    send(index, post, isNew: false)
  }

  /// Dispatches the next RPC to the POST, or ends the session.
  mutating func sendNext(_ post: [UInt8]) {
    guard let session = state.session, session.rpcs < settings.maximumRPCs else {
      effects.append(.alarm("session ended at its limit of \(settings.maximumRPCs) RPCs"))
      return endByVerdict()
    }
    guard let work = nextWork() else { return endByVerdict() }
    switch work {
    case .task(let id):
      if let index = state.index(of: id) { send(index, post, isNew: true) }
    case .preparation(let id, let path):
      var task = RPCTask(
        id: context.newID(), device: state.id, request: .getParameterNames(path: path, nextLevel: true), once: false,
        origin: .preparation, createdAt: now, deadline: now + settings.policyDeadline)
      task.originName = id.description
      send(add(task), post, isNew: true)
    case .planned(let planned):
      state.session?.rounds += 1
      let task = RPCTask(
        id: context.newID(), device: state.id, request: TaskRequest(planned), once: false, origin: .policy,
        createdAt: now, deadline: now + settings.policyDeadline)
      send(add(task), post, isNew: true)
    }
  }

  /// Nothing (more) to do: the session's row goes with the verdict.
  mutating func endByVerdict() {
    if let outstanding = state.session?.outstanding { lose(outstanding) }
    state.session = nil
    tell(.end)
  }

  // MARK: - Choosing

  /// Credentials first, then tasks by priority and age, then policies.
  mutating func nextWork() -> Work? {
    if let task = state.tasks.filter({ isDue($0) }).max(by: { isLess($0, $1) }) {
      guard let path = task.request.table else { return .task(task.id) }
      // One of the same table that is in doubt comes first: afterwards nobody could tell whose a new instance is, or
      // whether it was one that is gone.
      if let doubtful = doubtfulAddition({ $0.request == .addObject(path: path) }) { return doubtful }
      guard case .addObject = task.request else { return .task(task.id) }
      if task.evidence?.session == message.session { return .task(task.id) }
      return .preparation(for: task.id, path: path)
    }
    if let doubtful = doubtfulAddition({ _ in true }) { return doubtful }
    guard (state.session?.rounds ?? 0) < settings.maximumRounds else { return nil }
    return nextPlanned().map { .planned($0) }
  }

  /// What must be read to settle an AddObject that may have been done.
  private func doubtfulAddition(_ condition: (RPCTask) -> Bool) -> Work? {
    guard let task = state.tasks.first(where: { $0.state == .inDoubt && !isCompared($0) && condition($0) }),
      case .addObject(let path) = task.request
    else { return nil }
    return .preparation(for: task.id, path: path)
  }

  private func isDue(_ task: RPCTask) -> Bool {
    guard task.state == .queued, task.notBefore <= now, task.deadline > now, !task.isOfSession else { return false }
    guard let before = task.dependsOn else { return true }
    return state.index(of: before) == nil && !state.failedPrerequisites.contains(before)
  }

  private func isLess(_ left: RPCTask, _ right: RPCTask) -> Bool {
    func rank(_ task: RPCTask) -> Int32 { task.origin == .credentials ? Int32.max : Int32(task.priority) }
    return (rank(left), right.id) < (rank(right), left.id)
  }

  private func isCompared(_ task: RPCTask) -> Bool {
    isIncomparable(task) || task.evidence?.compared == message.session
  }

  /// Whether the instances of an AddObject's table show nothing of it. What a restore has forgotten may have made a new
  /// one, or have removed this one's.
  func isIncomparable(_ task: RPCTask) -> Bool {
    guard case .addObject = task.request, let evidence = task.evidence else { return true }
    return !evidence.isComparable || task.mayBeDone
  }

  // MARK: - Sending

  /// Commits the attempt (P3) and renders it for the waiting POST.
  private mutating func send(_ index: Int, _ post: [UInt8], isNew: Bool) {
    if isNew {
      let session = message.session
      let now = now
      change(index) { task in
        task.state = .dispatched
        task.attempt += 1
        task.session = session
        task.post = post
        task.dispatchedAt = now
        if task.evidence == .missed { task.evidence = nil }
      }
      let task = state.tasks[index]
      state.session?.outstanding = SessionRow.Outstanding(task: task.id, attempt: task.attempt, post: post)
      state.session?.rpcs += 1
      if task.request == .factoryReset { state.credential?.readmitUntil = task.deadline }
      if case .deleteObject = task.request { forgetComparisons(with: task.request) }
    }
    let task = state.tasks[index]
    let key = CommandKey(task: task.id, attempt: task.attempt).text
    guard let request = rpc(task, key) else {
      state.session?.outstanding = nil
      finish(index, .failed, fault: FaultText.unrenderable)
      return sendNext(post)
    }
    let writer = EnvelopeWriter(
      namespace: CWMPNamespace(minor: state.session?.namespaceMinor ?? 0),
      dialect: Dialect(rawValue: UInt16(truncatingIfNeeded: state.device?.dialect ?? 0)))
    let body = writer.request(request, id: key)
    tell(.send, cwmpID: Array(key.utf8), body: body)
  }

  /// An instance goes that may be what an AddObject in doubt has made: that it is not there later shows nothing.
  private mutating func forgetComparisons(with deletion: TaskRequest) {
    guard let table = deletion.table else { return }
    for index in state.tasks.indices where state.tasks[index].request == .addObject(path: table) {
      guard state.tasks[index].state == .inDoubt, let evidence = state.tasks[index].evidence,
        !evidence.instances.contains(where: { deletion == .deleteObject(path: "\(table)\($0).") })
      else { continue }
      state.tasks[index].evidence?.isComparable = false
    }
  }
}

extension TaskRequest {
  /// The table whose instances the request changes, with its final dot; nil for others.
  fileprivate var table: String? {
    switch self {
    case .addObject(let path): path
    case .deleteObject(let path): path.dropLast().lastIndex(of: ".").map { String(path[...$0]) }
    default: nil
    }
  }
}
