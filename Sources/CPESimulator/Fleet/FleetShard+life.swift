import CWMP

/// What happens to a CPE outside its sessions.
extension FleetShard {
  func woken(_ cpe: SimulatedCPE, _ reason: WakeHeap.Reason, now: Int64) {
    switch reason {
    case .firstBoot:
      cpe.state.bootedAt = now
      if !cpe.state.hasOwnCredentials { cpe.state.raise(.bootstrap) }
      cpe.state.raise(.boot)
      schedulePeriodic(cpe, isFirst: true)
      requestSession(cpe)
    case .periodic(let generation):
      guard generation == cpe.periodicGeneration else { return }
      if random.chance(settings.bootFraction), !cpe.isDown { return losePower(cpe) }
      schedulePeriodic(cpe, isFirst: false)
      if random.chance(settings.changedFraction) { changeAddress(of: cpe) }
      cpe.state.raise(.periodic)
      // A CPE that waits to try again is not hurried by its own clock.
      if cpe.state.retryCount == 0 { requestSession(cpe) }
    case .retry(let generation):
      guard generation == cpe.retryGeneration else { return }
      requestSession(cpe)
    case .bootEnded(let key):
      cpe.isDown = false
      cpe.state.boot(now: now, commandKey: key)
      history?.record(.boot, of: cpe.state)
      schedulePeriodic(cpe, isFirst: true)
      requestSession(cpe)
    case .resetEnded:
      cpe.isDown = false
      cpe.isProvisioned = false
      cpe.state.factoryReset(now: now)
      history?.record(.reset, of: cpe.state)
      schedulePeriodic(cpe, isFirst: true)
      requestSession(cpe)
    case .download(let arguments): fetch(arguments, for: cpe)
    case .firmwareBooted(let transfer, let version):
      cpe.isDown = false
      cpe.state.transferEnded(transfer, newVersion: version, now: now)
      history?.record(.boot, of: cpe.state)
      schedulePeriodic(cpe, isFirst: true)
      requestSession(cpe)
    case .scheduledInform(let key):
      cpe.state.raise(.scheduled)
      cpe.state.raise(.scheduleInform, commandKey: key)
      requestSession(cpe)
    case .diagnosticsEnded(let address):
      cpe.state.diagnosticsEnded(address)
      requestSession(cpe)
    }
  }

  /// The provider gives the CPE another address.
  func changeAddress(of cpe: SimulatedCPE) {
    let number = UInt32.random(in: 0...0xFF_FFFF, using: &random)
    let address = "10.\(number >> 16 & 255).\(number >> 8 & 255).\(number & 255)"
    cpe.state.changeLocally(cpe.state.model.known.wanAddress, to: address)
  }

  /// Breaks off what the CPE does and lets it boot.
  private func losePower(_ cpe: SimulatedCPE) {
    cpe.isDown = true
    cpe.session?.abandon()
    wake(cpe, after: settings.bootDelay.milliseconds, .bootEnded(commandKey: nil))
  }

  /// What the session's RPCs have left to do (item 166).
  func postpone(_ action: PostponedAction, of cpe: SimulatedCPE) {
    let delay = settings.bootDelay.milliseconds
    switch action {
    case .reboot(let key):
      cpe.isDown = true
      wake(cpe, after: delay, .bootEnded(commandKey: key))
    case .factoryReset:
      cpe.isDown = true
      wake(cpe, after: delay, .resetEnded)
    case .download(let arguments):
      wake(cpe, after: Int64(arguments.delaySeconds) * 1_000, .download(arguments))
    case .inform(let seconds, let key):
      wake(cpe, after: Int64(seconds) * 1_000, .scheduledInform(commandKey: key))
    case .diagnostics(let address):
      wake(cpe, after: min(1_000, delay), .diagnosticsEnded(address))
    }
  }

  /// The first Inform of a life comes at a random time within the interval, the others an interval apart.
  func schedulePeriodic(_ cpe: SimulatedCPE, isFirst: Bool) {
    guard case .living = settings.pace else { return }
    cpe.periodicGeneration &+= 1
    guard let seconds = cpe.state.periodicInterval else { return }
    let interval = Int64(seconds) * 1_000
    let wait = isFirst ? Int64.random(in: 1...interval, using: &cpe.state.random) : interval
    wake(cpe, after: wait, .periodic(generation: cpe.periodicGeneration))
  }

  // MARK: - Transfers

  private func fetch(_ arguments: DownloadArguments, for cpe: SimulatedCPE) {
    let started = Clock.milliseconds
    guard let url = ACSAddress(arguments.url) else { return }
    let credentials =
      arguments.username.isEmpty
      ? nil : ACSCredentials(username: arguments.username, password: arguments.password)
    let fetch = FileFetch(shard: self, url: url, credentials: credentials, cpe: cpe) { [weak self] result in
      self?.fetched(arguments, result, started: started, for: cpe)
    }
    fetch.start()
  }

  private func fetched(
    _ arguments: DownloadArguments, _ result: Result<FetchedFile, TransferFailure>, started: Int64,
    for cpe: SimulatedCPE
  ) {
    guard !isStopped else { return }
    var transfer = TransferComplete(
      commandKey: arguments.commandKey, startTime: DateTimeText(microseconds: started * 1_000),
      completeTime: DateTimeText(microseconds: Clock.milliseconds * 1_000))
    var version: String?
    switch result {
    case .failure(let failure): transfer.fault = TransferFault(code: failure.code, string: failure.reason)
    case .success(let file) where arguments.fileSize > 0 && file.length != Int(arguments.fileSize):
      transfer.fault = TransferFault(
        code: 9018, string: "File of \(file.length) bytes where \(arguments.fileSize) were announced")
    case .success(let file):
      statistics.downloads += 1
      if arguments.fileType.hasPrefix("1 ") { version = file.version ?? arguments.targetVersion }
    }
    history?.record(.download(key: arguments.commandKey, fault: transfer.fault.code), of: cpe.state)
    guard let version else {
      cpe.state.transferEnded(transfer, newVersion: nil, now: Clock.milliseconds)
      return requestSession(cpe)
    }
    // Firmware: the device starts again before it tells.
    cpe.isDown = true
    wake(cpe, after: settings.bootDelay.milliseconds, .firmwareBooted(transfer, version: version))
  }
}

extension DownloadArguments {
  /// The version that an image's file name tells, such as `2.1.0` of `gateway-2.1.0.bin`; else the name itself.
  var targetVersion: String {
    let path = ACSAddress(url)?.target.prefix { $0 != "?" } ?? ""
    let name = targetFileName.isEmpty ? String(path.split(separator: "/").last ?? "image") : targetFileName
    var best = Substring()
    var rest = Substring(name)
    while let start = rest.firstIndex(where: \.isNumber) {
      var run = rest[start...].prefix { $0.isNumber || $0 == "." }
      while run.hasSuffix(".") { run.removeLast() }
      if run.contains("."), run.count > best.count { best = run }
      rest = rest[run.endIndex...]
    }
    return best.isEmpty ? name : String(best)
  }
}
