import CWMP
import Cryptography
import DataModel
import EventLog
import Fleet
import Policy

// What a CPE answered to an RPC of ours.
extension Fold {
  /// Settles the attempt that the response names, in whatever state it is, then goes on in the present session.
  mutating func foldResponse(_ body: Envelope?) {
    if let index = attemptAnswered(body) {
      let id = state.tasks[index].id
      if state.session?.outstanding?.task == id { state.session?.outstanding = nil }
      if !message.refused.isEmpty {
        settleRefused(index)
      } else if let fault = body?.fault {
        settleFault(index, fault)
      } else if let response = body?.response {
        settle(index, response)
      }
    }
    guard isPresent else { return tell(.end) }
    state.contact?.posted = true
    guard message.refused.isEmpty else { return endByVerdict() }
    guard let post = message.post?.bytes else { return }
    var session = openSession()
    session.lastPostAt = now
    if message.cwmpID.isEmpty { session.noteUnnamedAnswer(post) }
    state.session = session
    // The body counts in any case; the POST is served only while its gateway still holds it.
    guard message.answerBy > now, session.deadPost != post else { return }
    if let outstanding = session.outstanding {
      // The same POST once more, a record that was appended twice: it has got its directive.
      if outstanding.post == post { return serveAgain(outstanding, post) }
      // A response to something else than what is outstanding (item 75): that attempt got no answer.
      lose(outstanding)
      state.session?.outstanding = nil
    }
    sendNext(post)
  }

  /// The live task whose present attempt the response settles.
  ///
  /// What matches is the cwmp:ID. One that lost its ID settles only an outstanding, repeatable attempt of that method;
  /// a Fault counts as of any method. A body that was refused settles what is outstanding.
  private func attemptAnswered(_ body: Envelope?) -> Int? {
    if let key = CommandKey(text: message.cwmpID) {
      guard let index = state.index(of: key.task), state.tasks[index].attempt == key.attempt else { return nil }
      // Its gateway sent that last, and another gateway something else since: it may be the answer to either.
      if message.isStamped, let outstanding = state.session?.outstanding,
        outstanding.task != key.task || outstanding.attempt != key.attempt
      {
        return nil
      }
      let matches =
        body?.fault != nil || !message.refused.isEmpty
        || body?.response?.method == state.tasks[index].request.rpcName
      return state.tasks[index].awaitsEvidence && matches ? index : nil
    }
    guard let outstanding = state.session?.outstanding, state.session?.id == message.session,
      let index = state.index(of: outstanding.task), state.tasks[index].attempt == outstanding.attempt
    else { return nil }
    // What was refused was not read: it can only be told by its session, which it ends. Nobody waits for its POST.
    if !message.refused.isEmpty { return index }
    // A record that was appended twice: what is outstanding went out in answer to it, or to a later one.
    guard let post = message.post?.bytes, outstanding.post != post, state.session?.hasAnswered(post) == false,
      !state.tasks[index].once
    else { return nil }
    let isOfMethod = body?.fault != nil || body?.response?.method == state.tasks[index].request.rpcName
    return isOfMethod ? index : nil
  }

  /// The gateway did not take the body: repeatable work fails with the reason, once work is in doubt.
  private mutating func settleRefused(_ index: Int) {
    doubtEffects(of: state.tasks[index])
    if state.tasks[index].once {
      change(index) { $0.state = .inDoubt }
    } else {
      finish(index, .failed, fault: FaultText.refused(message.refused))
    }
  }

  /// A CPE's fault: any means that nothing was done (item 130). Transient ones are tried again (item 176).
  mutating func settleFault(_ index: Int, _ fault: CWMPFault) {
    let task = state.tasks[index]
    guard !task.mayBeDone else { return }
    let text = FaultText.json(fault)
    switch task.origin {
    case .policy: notePolicyFault(task, fault)
    case .preparation:
      // Nothing to compare with: the task goes out, or stays in doubt, without the evidence.
      finish(index, .failed, fault: text)
      if let id = UUID128(task.originName) { prepared(id, instances: nil) }
      return
    default: break
    }
    if fault.retry == .later, !task.isOfSession {
      retry(index, fault: text)
    } else {
      finish(index, .failed, fault: text)
    }
  }

  /// A response: what it says goes into the twin, and the task is done or accepted.
  private mutating func settle(_ index: Int, _ response: CPEResponse) {
    let task = state.tasks[index]
    let result = learn(response, of: task)
    // What was learnt may have settled another task.
    guard let index = state.index(of: task.id) else { return }
    if task.acceptsOnly(response) {
      change(index) { task in
        task.state = .accepted
        task.result = result
      }
    } else {
      finish(index, .succeeded, result: result)
    }
  }

  /// Takes a response into the twin.
  /// - Returns: the task's result as JSON.
  private mutating func learn(_ response: CPEResponse, of task: RPCTask) -> [UInt8] {
    switch response {
    case .getParameterValues(let list):
      let values = list.compactMap { ReportedValue($0) }
      _ = state.twin.apply(
        values: values, asked: task.request.names.compactMap { ParameterPath(reported: $0) }, at: milliseconds)
      forgetDigest()
    case .getParameterNames(let list):
      if case .getParameterNames(let path, let nextLevel) = task.request, let asked = ParameterPath(reported: path) {
        let names = list.compactMap { ReportedName(name: $0.name, writable: $0.writable) }
        _ = state.twin.apply(names: names, asked: asked, nextLevel: nextLevel, at: milliseconds)
        if task.origin == .preparation, let id = UUID128(task.originName) {
          prepared(id, instances: state.twin.instances(of: asked)?.numbers ?? [])
        }
      }
    case .getParameterAttributes(let list):
      _ = state.twin.apply(
        attributes: list.compactMap { item in
          ParameterPath(reported: item.name).map { path in
            ReportedAttributes(
              path: path, notification: UInt8(clamping: item.notification), accessList: item.accessList)
          }
        }, at: milliseconds)
    case .setParameterValues: written(task)
    case .addObject(let instance, _):
      if case .addObject(let path) = task.request, let table = ParameterPath(reported: path) {
        _ = state.twin.apply(addedInstance: instance, of: table, at: milliseconds)
        attribute(instance, of: path)
      }
      forgetDigest()
    case .deleteObject:
      if case .deleteObject(let path) = task.request, let object = ParameterPath(reported: path) {
        state.twin.apply(deletedObject: object)
      }
      forgetDigest()
    case .getRPCMethods(let methods): state.device?.methods = methods
    default: break
    }
    return EventData.result(response)
  }

  /// What a SetParameterValues set is now the twin's.
  private mutating func written(_ task: RPCTask) {
    switch task.request {
    case .setParameterValues(let settings, let key):
      var values = settings.compactMap { ReportedValue(name: $0.name, type: $0.type ?? "", value: $0.value) }
      if !key.isEmpty, let root = state.device?.root,
        let parameterKey = ReportedValue(
          name: root + "ManagementServer.ParameterKey", type: "xsd:string", value: key)
      {
        values.append(parameterKey)
      }
      _ = state.twin.apply(set: values, at: milliseconds, fingerprint: context.shared.fingerprint)
    case .giveCredentials: credentialsTaken()
    default: break
    }
    forgetDigest()
  }

  /// The twin changed by something that no Inform brought: a CPE that forgets it must be seen (section 2.2).
  private mutating func forgetDigest() { state.contact?.digest = [] }

  /// An instance of which we know whose it is: it is no evidence for another AddObject on that table.
  private mutating func attribute(_ instance: UInt32, of path: String) {
    for index in state.tasks.indices where state.tasks[index].request == .addObject(path: path) {
      state.tasks[index].evidence?.instances.append(instance)
    }
  }

  /// The instances that a task of once needed to know; nil where the CPE does not tell.
  private mutating func prepared(_ id: UUID128, instances: [UInt32]?) {
    guard let index = state.index(of: id), let session = state.session?.id else { return }
    let before = state.tasks[index].evidence
    switch state.tasks[index].state {
    case .queued:
      change(index) { task in
        task.evidence = RPCTask.Evidence(session: session, instances: instances ?? [])
        task.evidence?.isComparable = instances != nil
      }
    case .inDoubt:
      guard !isIncomparable(state.tasks[index]) else { return }
      state.tasks[index].evidence?.compared = session
      guard let before, let instances else { return }
      let new = Set(instances).subtracting(before.instances)
      if new.isEmpty {
        retry(index, fault: FaultText.notDone, countsAsLost: true)
      } else if new.count == 1, let instance = new.first {
        if case .addObject(let path) = state.tasks[index].request { attribute(instance, of: path) }
        finish(index, .succeeded, result: EventData.instance(instance))
      }
    default: break
    }
  }
}

extension RPCTask {
  /// Whether it may have been done though an attempt that is read now failed. A restore put it in doubt: it may have
  /// been sent in attempts that the database knows nothing of. Or its evidence may have been missed.
  var mayBeDone: Bool { state == .inDoubt && (dispatchedAt == nil || evidence == .missed) }

  /// Whether the response only promises the effect, so that evidence of it is awaited.
  func acceptsOnly(_ response: CPEResponse) -> Bool {
    switch (request, response) {
    case (.reboot, _), (.factoryReset, _): true
    case (.download, .download(let transfer)): transfer.status == 1
    default: request.diagnosticsState != nil
    }
  }
}
