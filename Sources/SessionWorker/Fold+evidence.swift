import CWMP
import Cryptography
import EventLog
import Fleet

// What tells whether a task of once was done (docs/architecture.md, section 4, "Once tasks").
extension Fold {
  /// Settles tasks by what an Inform's events and values say of them.
  /// - Parameters:
  ///   - tellsNews: whether the events are others than those of the session before, which failed.
  ///   - isOvertaken: whether a newer session was folded before.
  mutating func settleByEvents(_ inform: Inform, tellsNews: Bool, isOvertaken: Bool = false) {
    let all = Set(message.events.map(\.code))
    for event in message.events where event.code == "M Reboot" {
      guard let key = CommandKey(text: event.commandKey.utf8) else { continue }
      succeedIfAwaited(key.task) { $0.request == .reboot && $0.attempt == key.attempt }
    }
    let diagnostics = state.tasks.count { $0.awaitsEvidence && $0.request.diagnosticsState != nil }
    for task in state.tasks where task.awaitsEvidence {
      let isLater = isMade(after: task, isOvertaken: isOvertaken)
      let codes = isLater && tellsNews ? all : []
      switch task.request {
      case .reboot, .factoryReset: settleRestart(task, all, isNews: isLater && tellsNews)
      case .download(let transfer):
        if !transfer.softwareVersion.isEmpty, state.device?.softwareVersion == transfer.softwareVersion,
          codes.contains("1 BOOT")
        {
          succeedIfAwaited(task.id) { _ in true }
        }
      case .setParameterValues where isLater: settleDiagnostics(task, inform, codes, isOnly: diagnostics == 1)
      default: break
      }
    }
  }

  /// Whether the Inform was made after the task was sent, so that what it tells may be what came of it: one may lie in
  /// the log, or in a gateway that was stopped, while the task is sent to a POST of the session before. What this batch
  /// dispatches is sent when all its records have been read. Else by the clocks of two machines; one that differs by
  /// more than lateness is wrong and says nothing.
  private func isMade(after task: RPCTask, isOvertaken: Bool) -> Bool {
    guard task.dispatchedAt != now else { return false }
    let age = (task.dispatchedAt ?? task.createdAt) - message.session.time * 1000
    return age < 0 || age > settings.lateness && !isOvertaken
  }

  /// A restart that was told after the dispatch shows it done; a first try without one, made long after, and no
  /// response, shows it not done (a CPE may retry a broken session before it restarts). When it is folded says nothing:
  /// after an outage that may be long after an Inform that came before the restart. A gateway's clock that is ahead
  /// must not make it later.
  /// - Parameter isNews: whether a restart that is told is none of before the dispatch.
  private mutating func settleRestart(_ task: RPCTask, _ codes: Set<String>, isNews: Bool) {
    guard let index = state.index(of: task.id) else { return }
    let made = min(now, message.session.time * 1000)
    if codes.contains("0 BOOTSTRAP") || task.request == .reboot && codes.contains("1 BOOT") {
      if isNews { finish(index, .succeeded) } else { mayHaveRestarted(index) }
    } else if task.state != .accepted, task.evidence != .missed, message.retryCount == 0,
      let sent = task.dispatchedAt, made - sent >= settings.bootPatience
    {
      retry(index, fault: FaultText.notDone, countsAsLost: true)
    }
  }

  /// The device told of a restart, or may have, that may have been this task's: that it tells of none after this no
  /// longer shows that the task was not done (P4).
  mutating func mayHaveRestarted(_ index: Int) {
    let task = state.tasks[index]
    guard task.request == .reboot || task.request == .factoryReset, task.evidence != .missed else { return }
    change(index) { $0.evidence = .missed }
  }

  /// Event 8 shows that diagnostics ended, and so does a state other than those before that, once the device has
  /// answered that it took the request: until then the state may be what diagnostics of before have left, and the event
  /// that of others under way, now or the next time: a CPE tells it again with new ones until it is acknowledged.
  private mutating func settleDiagnostics(_ task: RPCTask, _ inform: Inform, _ codes: Set<String>, isOnly: Bool) {
    guard let path = task.request.diagnosticsState, let index = state.index(of: task.id) else { return }
    let told = inform.parameters.first { $0.name == path }?.value
    let isTaken = task.state == .accepted
    let ended = isTaken && told.map { $0 != "None" && $0 != "Requested" } ?? false
    guard codes.contains("8 DIAGNOSTICS COMPLETE") || ended else { return }
    if isTaken || isOnly && task.evidence != .missed {
      finish(index, .succeeded)
    } else if task.evidence != .missed {
      change(index) { $0.evidence = .missed }
    }
  }

  private mutating func succeedIfAwaited(_ id: UUID128, _ condition: (RPCTask) -> Bool) {
    guard let index = state.index(of: id), state.tasks[index].awaitsEvidence, condition(state.tasks[index]) else {
      return
    }
    finish(index, .succeeded)
  }

  // MARK: - Requests of the CPE

  /// TransferComplete and its kin: folded whatever became of their session, and answered by the gateway already.
  mutating func foldRequest(_ body: Envelope?) {
    if isPresent {
      state.contact?.posted = true
      if var session = state.session {
        session.announced = max(session.announced - 1, 0)
        session.lastPostAt = now
        state.session = session
      }
    }
    switch body?.request {
    case .transferComplete(let transfer): foldTransferComplete(transfer)
    case .autonomousTransferComplete(let transfer):
      tellOfDevice("autonomous_transfer_completed", EventData.autonomousTransfer(transfer))
    case .unknown(let method): tellOfDevice("request_refused", EventData.member("method", method))
    default: break
    }
  }

  /// Item 151: fault 0 is success. Empty, foreign and already settled keys are no error (item 152).
  private mutating func foldTransferComplete(_ transfer: TransferComplete) {
    tellOfDevice("transfer_completed", EventData.transfer(transfer))
    guard let key = CommandKey(text: transfer.commandKey.utf8), let index = state.index(of: key.task),
      state.tasks[index].attempt == key.attempt, state.tasks[index].awaitsEvidence
    else { return }
    if state.session?.outstanding?.task == key.task { state.session?.outstanding = nil }
    if transfer.fault.isSuccess {
      finish(index, .succeeded, result: EventData.object(EventData.transfer(transfer)))
    } else {
      settleFault(index, CWMPFault(code: transfer.fault.code, string: transfer.fault.string))
    }
  }
}

extension RPCTask {
  /// Whether the task was sent, or may have been, and nobody knows yet what came of it.
  var awaitsEvidence: Bool { state == .dispatched || state == .accepted || state == .inDoubt }
}
