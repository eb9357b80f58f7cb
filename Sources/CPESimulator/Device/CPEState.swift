import CWMP

/// One simulated CPE between and within sessions: its data, its undelivered events, what it will do later. Pure: time
/// comes in as milliseconds since 1970, chance from its own seed.
struct CPEState: Sendable {
  let identity: CPEIdentity
  let model: DeviceModel
  let environment: CPEEnvironment
  var misbehaviours: Misbehaviours
  var random: SeededRandom

  var data = DeviceData()
  /// Undelivered, in the order raised.
  private(set) var events: [EventStruct] = []
  /// What has changed since the ACS was last told, of parameters with a notification.
  private(set) var changes: [NodeAddress] = []
  /// Transfers whose end the ACS has not heard of.
  private(set) var transfers: [TransferComplete] = []
  /// What is to be done when the session has ended.
  private(set) var postponed: [PostponedAction] = []
  /// How often the present session has been tried before.
  private(set) var retryCount: UInt32 = 0
  /// After a factory reset the bootstrap credential counts again, whatever the fleet's rule.
  private(set) var isReset = false
  var bootedAt: Int64
  /// For CPEs that begin a session with the cookie of the one before.
  var oldCookie: String?
  /// The address it sends from, if the fleet has several: where connection requests are to come to.
  var callbackHost: UInt32

  init(
    identity: CPEIdentity, model: DeviceModel, environment: CPEEnvironment, misbehaviours: Misbehaviours = [],
    seed: UInt64 = 0, callbackHost: UInt32 = 0x7F00_0001, now: Int64 = 0
  ) {
    self.identity = identity
    self.model = model
    self.environment = environment
    self.misbehaviours = misbehaviours
    self.callbackHost = callbackHost
    random = SeededRandom(seed: seed, index: identity.index)
    bootedAt = now
  }

  // MARK: - Credentials

  /// What it proves itself with in its next session.
  var credentials: ACSCredentials {
    let model = model.known
    return ACSCredentials(
      username: data.values[model.username] ?? firstCredentials.username,
      password: data.values[model.password] ?? firstCredentials.password)
  }

  /// Whether the ACS, or the fleet's rule, has given it a credential of its own.
  var hasOwnCredentials: Bool {
    data.values[model.known.password] != nil || (environment.knownPassword != nil && !isReset)
  }

  var firstCredentials: ACSCredentials {
    guard let rule = environment.knownPassword, !isReset else { return environment.bootstrap }
    return ACSCredentials(username: identity.name, password: rule.password(of: identity))
  }

  // MARK: - Events

  /// Raises an event; BOOTSTRAP discards all other undelivered ones, a single event does not stand twice (table 2.4).
  mutating func raise(_ event: EventStruct) {
    if event.code == .bootstrap { events.removeAll() }
    guard !events.contains(event) else { return }
    events.append(event)
  }

  mutating func raise(_ code: EventCode, commandKey: String = "") { raise(EventStruct(code, commandKey: commandKey)) }

  /// Takes over what a test wants the next Inform to say.
  mutating func replaceEvents(_ events: [EventStruct]) { self.events = events }

  /// The InformResponse has come: what it delivers is delivered.
  mutating func informDelivered() {
    events.removeAll { !$0.isDeliveredByTransferComplete }
    changes.removeAll()
  }

  /// A TransferCompleteResponse has come, or a fault after which the CPE gives up.
  mutating func transferDelivered() {
    guard !transfers.isEmpty else { return }
    let transfer = transfers.removeFirst()
    events.removeAll { $0.code == .download && $0.commandKey == transfer.commandKey }
    if transfers.isEmpty { events.removeAll { $0.code == .transferComplete } }
  }

  /// The session has ended well.
  mutating func sessionSucceeded() { retryCount = 0 }

  /// The session has failed and will be tried again: some events must not be (table 2.4).
  mutating func sessionFailed() {
    retryCount &+= 1
    events.removeAll { $0.code == .connectionRequest || $0.code == .heartbeat }
  }

  // MARK: - What happens outside sessions

  /// The device starts again.
  mutating func boot(now: Int64, commandKey: String? = nil) {
    bootedAt = now
    changes.removeAll()
    events.removeAll { $0.code == .valueChange || $0.code == .diagnosticsComplete || $0.code == .boot }
    raise(.boot)
    if let commandKey { raise(.reboot, commandKey: commandKey) }
  }

  /// Back to the factory's settings; firmware stays.
  mutating func factoryReset(now: Int64) {
    let firmware = data.values[model.known.softwareVersion]
    data = DeviceData()
    if let firmware { data.write(firmware, at: model.known.softwareVersion) }
    isReset = true
    transfers.removeAll()
    postponed.removeAll()
    bootedAt = now
    changes.removeAll()
    raise(.bootstrap)
    raise(.boot)
  }

  /// Something other than the ACS changes a value: told at once, with the next Inform, or not at all.
  ///
  /// - Returns: true if the ACS is to be told at once.
  @discardableResult
  mutating func changeLocally(_ address: NodeAddress, to value: String) -> Bool {
    guard value != self.value(at: address, now: bootedAt) else { return false }
    data.write(value, at: address)
    let notification = data.notification(at: address, in: model)
    guard notification > 0 else { return false }
    if !changes.contains(address) { changes.append(address) }
    if notification == 2 { raise(.valueChange) }
    return notification == 2
  }

  /// A transfer has ended; the ACS hears of it in the next session. Firmware changes the version and boots the device.
  mutating func transferEnded(_ transfer: TransferComplete, newVersion: String?, now: Int64) {
    transfers.append(transfer)
    raise(.transferComplete)
    raise(.download, commandKey: transfer.commandKey)
    guard let newVersion else { return }
    boot(now: now)
    changeLocally(model.known.softwareVersion, to: newVersion)
  }

  /// Diagnostics have run.
  mutating func diagnosticsEnded(_ state: NodeAddress) {
    data.write("Complete", at: state)
    raise(.diagnosticsComplete)
  }

  mutating func postpone(_ action: PostponedAction) { postponed.append(action) }

  mutating func takePostponed() -> [PostponedAction] {
    defer { postponed.removeAll() }
    return postponed
  }
}

/// What an RPC started and the end of the session lets happen (item 166).
enum PostponedAction: Sendable, Equatable {
  case reboot(commandKey: String)
  case factoryReset
  case download(DownloadArguments)
  case inform(delaySeconds: UInt32, commandKey: String)
  case diagnostics(NodeAddress)
}

extension EventStruct {
  var isDeliveredByTransferComplete: Bool { code == .transferComplete || code == .download }
}
