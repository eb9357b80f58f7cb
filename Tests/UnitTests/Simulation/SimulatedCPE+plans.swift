import CWMP
import Cryptography
import Fleet

// What a CPE does outside of its sessions: by itself, by its user, and by what it was asked.
extension SimulatedCPE {
  /// Begins its life.
  func boot() {
    restarts.append(Restart(at: simulation.now, isReset: true))
    raise(EventStruct(.bootstrap))
    raise(EventStruct(.boot))
    simulation.after(simulation.between(0, 3_000_000)) { self.begin() }
    periodic()
    for _ in 0..<2 { simulation.after(simulation.between(0, 110 * Simulation.second)) { self.meddle() } }
    // Once more when all is calm and nothing else happens any more.
    simulation.after(simulation.between(400 * Simulation.second, 500 * Simulation.second)) { self.meddle() }
    if simulation.chance(40) {
      simulation.after(simulation.between(5 * Simulation.second, 110 * Simulation.second)) { self.losesPower() }
    }
    if simulation.chance(40) {
      simulation.after(simulation.between(5 * Simulation.second, 110 * Simulation.second)) { self.actsByItself() }
    }
  }

  private func periodic() {
    simulation.after(simulation.between(20_000_000, 40_000_000)) { [self] in
      guard !simulation.isEnding else { return }
      tell(EventStruct(.periodic))
      periodic()
    }
  }

  /// Its user changes a value, which it tells as it was told to.
  private func meddle() {
    model.values[SimulatedDevice.code] = "by hand \(simulation.between(0, 99))"
    simulation.note("the user of cpe \(number) sets \(model.values[SimulatedDevice.code] ?? "")")
    switch model.notification {
    case 1: raise(EventStruct(.valueChange))
    case 2: tell(EventStruct(.valueChange))
    default: break
    }
  }

  /// What it was about to do it does not, but that it restarts.
  private func losesPower() {
    guard !isDown else { return }
    simulation.saw(.cpeLosesPower)
    for (plan, key) in plans {
      if case .password(let password) = plan { take(password) } else { undone.insert(key) }
    }
    plans = []
    goDown(resets: false, keys: [], then: [])
  }

  /// What no ACS asked for.
  private func actsByItself() {
    let foreign = AutonomousTransferComplete(transferURL: "http://elsewhere.example/", isDownload: true, fileType: "1")
    report(
      simulation.pick([
        Report(
          request: .autonomousTransferComplete(foreign), events: [EventStruct(.autonomousTransferComplete)]),
        Report(request: .unknown(method: "DUStateChangeComplete"), events: [EventStruct(.duStateChangeComplete)]),
        Report(request: .getRPCMethods, events: []),
        Report(
          request: .transferComplete(TransferComplete(commandKey: "another ACS's")),
          events: [EventStruct(.transferComplete)]),
      ]))
    if !isInSession { begin() }
  }

  // MARK: - What was asked

  /// - Returns: whether it restarts and tells so.
  func doWhatIsPlanned() -> Bool {
    let planned = plans
    plans = []
    var reboots: [String] = []
    var resets = false
    var transfers: [DownloadArguments] = []
    for (plan, key) in planned {
      switch plan {
      case .reboot(let key): reboots.append(key)
      case .factoryReset: resets = true
      case .transfer(let arguments): transfers.append(arguments)
      case .diagnostics: diagnose(key)
      case .inform(let key, let seconds): inform(key, after: seconds)
      case .password(let password): take(password)
      }
    }
    let restarts = resets || !reboots.isEmpty || transfers.contains { Self.version(of: $0) != nil }
    guard restarts else {
      for transfer in transfers { fetch(transfer) }
      return false
    }
    goDown(resets: resets, keys: reboots, then: transfers)
    return true
  }

  private func goDown(resets: Bool, keys: [String], then transfers: [DownloadArguments]) {
    goesDown()
    simulation.note("cpe \(number) restarts\(resets ? " as new" : "")")
    if let diagnosing { cutShort.insert(diagnosing) }
    diagnosing = nil
    simulation.after(simulation.between(2_000_000, 8_000_000)) { [self] in
      restarts.append(Restart(at: simulation.now, isReset: resets))
      model.restart()
      guard !resets else {
        model.reset()
        password = nil
        forgetReports()
        for transfer in transfers { CommandKey(text: transfer.commandKey.utf8).map { _ = cutShort.insert($0) } }
        return isUp(with: [EventStruct(.bootstrap), EventStruct(.boot)], forgets: true)
      }
      for transfer in transfers { end(transfer) }
      isUp(
        with: [EventStruct(.boot)] + keys.map { EventStruct(.reboot, commandKey: $0) }, forgets: false)
    }
  }

  /// The version that an image is of; nil for a file that is no image.
  private static func version(of transfer: DownloadArguments) -> String? {
    transfer.url.split(separator: "/").last.map(String.init).flatMap { $0.hasPrefix("v") ? $0 : nil }
  }

  private func fetch(_ transfer: DownloadArguments) {
    let life = model.life
    simulation.after(simulation.between(1_000_000, 10_000_000)) { [self] in
      guard life == model.life else {
        CommandKey(text: transfer.commandKey.utf8).map { _ = cutShort.insert($0) }
        return
      }
      end(transfer)
      if !isInSession { begin() }
    }
  }

  private func end(_ transfer: DownloadArguments) {
    var fault = TransferFault.success
    if transfer.url.hasSuffix("missing") {
      fault = TransferFault(code: simulation.pick([9010, 9019]), string: "Not found")
      CommandKey(text: transfer.commandKey.utf8).map { _ = undone.insert($0) }
      simulation.saw(.transferFails)
    } else if let version = Self.version(of: transfer) {
      model.values[SimulatedDevice.version] = version
    }
    report(
      Report(
        request: .transferComplete(TransferComplete(commandKey: transfer.commandKey, fault: fault)),
        events: [EventStruct(.transferComplete), EventStruct(.download, commandKey: transfer.commandKey)]))
  }

  private func diagnose(_ key: CommandKey) {
    diagnosing = key
    let restarts = restarts.count
    simulation.after(simulation.between(2_000_000, 10_000_000)) { [self] in
      guard diagnosing == key, restarts == self.restarts.count else { return }
      diagnosing = nil
      model.values[SimulatedDevice.diagnostics] = "Complete"
      diagnosed.append(simulation.now)
      tell(EventStruct(.diagnosticsComplete))
    }
  }

  private func inform(_ key: String, after seconds: UInt32) {
    let restarts = restarts.count
    simulation.after(Int64(seconds) * Simulation.second) { [self] in
      guard restarts == self.restarts.count else { return }
      raise(EventStruct(.scheduled))
      tell(EventStruct(.scheduleInform, commandKey: key))
    }
  }

  /// Some use a new password only after a while, and come with the one before until then.
  private func take(_ password: String) {
    let life = model.life
    let wait = simulation.fault(30, .passwordTakenLate) ? simulation.between(0, 20 * Simulation.second) : 0
    simulation.after(wait) { [self] in if life == model.life { self.password = password } }
  }
}
