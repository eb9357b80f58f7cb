import CWMP
import Cryptography
import DataModel
public import EventLog
public import Fleet
import Policy

// Informs: who the device is, what happened to it, and whether there is work.
extension Fold {
  /// Events whose Inform, when nothing else changed, needs no folding (docs/architecture.md, section 2.2).
  private static let trivialEvents: Set<String> = ["2 PERIODIC", "6 CONNECTION REQUEST", "14 HEARTBEAT"]
  /// Events that announce a CPE request in the same session (item 86).
  private static let announcing: Set<String> = [
    "7 TRANSFER COMPLETE", "9 REQUEST DOWNLOAD", "10 AUTONOMOUS TRANSFER COMPLETE", "11 DU STATE CHANGE COMPLETE",
    "12 AUTONOMOUS DU STATE CHANGE COMPLETE",
  ]

  /// Whether an Inform says nothing new and there is nothing to do: then it is neither parsed nor folded, its contact
  /// is noted and its session ends.
  /// - Parameters:
  ///   - hasWork: whether the device has a live task or a session row.
  public static func isTrivial(
    _ message: CPEMessage, _ contact: ContactRow?, hasWork: Bool, policyEpoch: Int64, now: Int64
  ) -> Bool {
    guard message.kind == .inform, let contact, !hasWork, !contact.digest.isEmpty, contact.digest == message.digest,
      contact.policyEpoch == policyEpoch, now < contact.nextDue,
      message.authentication == .own || message.authentication == .none,
      contact.session.time <= message.session.time
    else { return false }
    return message.events.allSatisfy { trivialEvents.contains($0.code) }
  }

  mutating func foldInform(_ body: Envelope?) {
    guard let inform = body?.inform else { return }
    if let serial = settings.trapOn { precondition(inform.deviceID.serialNumber != serial, "worker.trap_on") }
    if let contact = state.contact {
      if contact.session == message.session { return repeatVerdict() }
      let age = (contact.session.time - message.session.time) * 1000
      if age > 0, age <= settings.lateness || message.isPoured { return foldLate(inform) }
      if age > settings.lateness {
        effects.append(.alarm("a gateway's clock is \(age / 1_000_000) s behind: taken over"))
      }
    }
    endSession()
    register(inform)
    let again = isTriedAgain
    let tellsNews = !repeatsEvents
    noteContact()
    if message.events.contains(where: { $0.code == "0 BOOTSTRAP" }) { bootstrap() }
    let changed = learn(inform)
    settleByEvents(inform, tellsNews: tellsNews)
    if !again { tellOfInform(changed) }
    giveCredentialsIfNeeded()
    guard message.waits else { return }
    decideVerdict()
  }

  /// The same record once more, or an Inform that a producer appended twice: the verdict may have been lost.
  private mutating func repeatVerdict() {
    guard message.waits else { return }
    tell(state.session == nil ? .end : .ask)
  }

  /// A record that a newer session overtook: what happened counts, what it said of values does not. It was acknowledged
  /// and will not come again, so its events are told, and they show what became of what had been sent before it. Where
  /// the newer session told them too, because the CPE tried again, they are told twice.
  private mutating func foldLate(_ inform: Inform) {
    if message.events.contains(where: { $0.code == "0 BOOTSTRAP" }) { bootstrap() }
    settleByEvents(inform, tellsNews: true, isOvertaken: true)
    tellOfInform([])
    state.contact?.digest = []
    tell(.end)
  }

  /// Whether this is an Inform that the CPE tried again without having got further: it raises no second event.
  private var isTriedAgain: Bool {
    guard let contact = state.contact, message.retryCount > 0 else { return false }
    return contact.digest == message.digest && contact.eventsHash == message.eventsHash && !contact.posted
  }

  /// Whether the Inform tells the events of the session before once more, which failed: its BOOT is that session's, not
  /// the effect of what was sent in it (TR-069 §3.2.1.1).
  private var repeatsEvents: Bool {
    message.retryCount > 0 && state.contact?.eventsHash == message.eventsHash
  }

  private mutating func register(_ inform: Inform) {
    if state.device == nil {
      let id = inform.deviceID
      state.device = DeviceRow(
        id: state.id, identity: id.canonicalIdentity, manufacturer: id.manufacturer, oui: id.oui.uppercased(),
        productClass: id.productClass, serialNumber: id.serialNumber, at: now)
      tellOfDevice("registered")
    }
    state.device?.manufacturer = inform.deviceID.manufacturer
    let (peer, now) = (message.peer, now)
    state.device?.peer = peer
    if let seen = state.device?.seenAt, now - seen >= 3_600_000_000 { state.device?.seenAt = now }
    if message.authentication == .pending { adoptPendingCredential() }
  }

  private mutating func noteContact() {
    var contact = state.contact ?? ContactRow(lastInform: now, session: message.session)
    contact.lastInform = now
    contact.session = message.session
    contact.digest = message.digest
    contact.eventsHash = message.eventsHash
    contact.posted = false
    state.contact = contact
  }

  /// First contact, a new ACS URL or a factory reset: what we knew of values may be wrong (item 83).
  private mutating func bootstrap() {
    forgetValues()
    tellOfDevice("bootstrapped")
  }

  /// What was known of the device's values may be wrong.
  mutating func forgetValues() {
    state.twin.applyBootstrap()
    state.standings = []
    state.contact?.policyEpoch = 0
  }

  /// Takes the Inform's parameters into the twin and the device's row.
  /// - Returns: the values that are new.
  private mutating func learn(_ inform: Inform) -> [TwinChange.Value] {
    let values = inform.parameters.compactMap { ReportedValue($0) }
    if let root = RootDataModel.detect(in: values.lazy.map(\.path)) {
      if state.device?.root != root.rawValue { state.device?.root = root.rawValue }
      for value in values { noteColumn(value, root) }
    }
    return state.twin.apply(inform: values, at: milliseconds).values
  }

  private mutating func noteColumn(_ reported: ReportedValue, _ root: RootDataModel) {
    let name = reported.path.text.utf8
    guard name.starts(with: root.rawValue.utf8) else { return }
    let rest = name.dropFirst(root.rawValue.utf8.count)
    if rest.elementsEqual("DeviceInfo.SoftwareVersion".utf8) {
      state.device?.softwareVersion = reported.value
    } else if rest.elementsEqual("DeviceInfo.HardwareVersion".utf8) {
      state.device?.hardwareVersion = reported.value
    } else if rest.elementsEqual("DeviceInfo.ProvisioningCode".utf8) {
      state.device?.provisioningCode = reported.value
    } else if rest.elementsEqual("ManagementServer.ConnectionRequestURL".utf8) {
      state.device?.connectionRequestURL = reported.value
    }
  }

  /// `ask` when there is work or the CPE announced requests, else `end`; the session's row is written with the first
  /// `ask`.
  private mutating func decideVerdict() {
    let announced = message.events.count { Self.announcing.contains($0.code) }
    var session = openSession()
    session.announced = Int16(clamping: announced)
    state.session = session
    if announced == 0, nextWork() == nil {
      state.session = nil
      tell(.end)
    } else {
      tell(.ask)
    }
  }

  private mutating func tellOfInform(_ changed: [TwinChange.Value]) {
    let codes = Set(message.events.map(\.code))
    if codes.contains("1 BOOT") { tellOfDevice("booted") }
    if codes.contains("4 VALUE CHANGE"), !changed.isEmpty {
      tellOfDevice("value_changed", EventData.values(changed))
    }
    if codes.contains("8 DIAGNOSTICS COMPLETE") { tellOfDevice("diagnostics_completed") }
  }

  /// An event of the device with its identity and session.
  mutating func tellOfDevice(_ what: String, _ extra: [UInt8] = []) {
    effects.append(
      .event(
        NorthboundEvent(
          topic: .deviceEvents, type: "carillon.device.\(what).v1", device: state.id, time: now,
          data: EventData.device(
            identity: state.device?.identity ?? "", session: message.session, events: message.events,
            softwareVersion: state.device?.softwareVersion ?? "", extra: extra))))
  }
}

extension UUID128 {
  /// The time in a session's id, milliseconds since 1970.
  var time: Int64 { unixMilliseconds ?? 0 }
}

extension CPEMessage {
  /// FNV-1a over the events and their CommandKeys: tells an Inform with the same events.
  var eventsHash: Int64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    func mix(_ text: String) {
      for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
      hash = (hash ^ 0xff) &* 0x100_0000_01b3
    }
    for event in events {
      mix(event.code)
      mix(event.commandKey)
    }
    return Int64(bitPattern: hash)
  }
}
