import CWMP
import Cryptography
import EventLog
import Fleet
import Policy

@testable import SessionWorker

/// A device whose records are folded one after another, without policies and without credentials to give. Times are in
/// seconds from a beginning.
struct FoldedDevice {
  /// One that gives and opens nothing.
  private struct NoSecrets: DeviceSecrets {
    func make(_ purpose: DeviceSecretPurpose, device: UUID128, session: UUID128) -> [UInt8] { [] }
    func open(_ sealed: [UInt8], device: UUID128) -> String? { nil }
  }

  static let start: Int64 = 1_800_000_000
  private static let id = DeviceID(manufacturer: "M", oui: "00D09E", productClass: "Box", serialNumber: "1")

  var state = DeviceState(id: FoldedDevice.id.id)
  /// What its Informs say of its diagnostics.
  var diagnostics: String?
  static let diagnosticsState = "Device.IP.Diagnostics.IPPing.DiagnosticsState"
  private var count: UInt64 = 0
  private let parser = EnvelopeParser()

  init() {
    state.credential = CredentialRow(username: "")
    state.credential?.requestSecret = [1]
  }

  /// An id of a session that began then.
  static func session(at seconds: Int64) -> UUID128 {
    UUID128(high: UInt64((start + seconds) * 1000) << 16 | 0x7000, low: 0x8000_0000_0000_0000 | UInt64(seconds + 1))
  }

  static func post(_ number: UInt64) -> PostID { PostID(instance: UUID128(high: 9, low: 9), counter: number) }

  /// Folds an Inform.
  /// - Parameters:
  ///   - now: when it is folded; by default as it is made.
  /// - Returns: the types of the events that it told, without what all of them begin and end with.
  mutating func inform(
    _ events: [EventStruct], at seconds: Int64, retry: UInt32 = 0, foldedAt now: Int64? = nil,
    _ change: (inout CPEMessage) -> Void = { _ in }
  ) throws -> [String] {
    var message = CPEMessage(.inform, device: state.id, session: Self.session(at: seconds), post: Self.post(0))
    message.authentication = .none
    message.retryCount = retry
    message.events = events.map { .init(code: $0.code.description, commandKey: $0.commandKey) }
    let values = ["Device.DeviceInfo.SoftwareVersion": "1.0", Self.diagnosticsState: diagnostics]
    let inform = Inform(
      deviceID: Self.id, events: events, retryCount: retry,
      parameters: ParameterList(values.compactMap { name, value in value.map { ParameterValue(name, $0) } }))
    let body = try parser.parse(CPEEnvelopeWriter().inform(inform, id: "1"))
    change(&message)
    return fold(message, body, at: now ?? seconds)
  }

  /// Folds the response to what was sent last, in the session that began at `began`.
  mutating func answer(
    _ response: CPEResponse, post: UInt64, session began: Int64, at seconds: Int64,
    _ change: (inout CPEMessage) -> Void = { _ in }
  ) throws -> [String] {
    var message = CPEMessage(.response, device: state.id, session: Self.session(at: began), post: Self.post(post))
    message.answerBy = (Self.start + seconds + 5) * 1_000_000
    let sent = state.tasks.first { $0.state == .dispatched }
    message.cwmpID = sent.map { Array(CommandKey(task: $0.id, attempt: $0.attempt).text.utf8) } ?? []
    let body = try parser.parse(CPEEnvelopeWriter().response(response, id: message.cwmpID))
    change(&message)
    return fold(message, body, at: seconds)
  }

  /// Folds a record without a body about the session that began at `began`.
  mutating func tell(
    _ kind: CPEMessage.Kind, post: UInt64, session began: Int64, at seconds: Int64,
    _ change: (inout CPEMessage) -> Void = { _ in }
  ) -> [String] {
    var message = CPEMessage(kind, device: state.id, session: Self.session(at: began), post: Self.post(post))
    message.answerBy = (Self.start + seconds + 5) * 1_000_000
    change(&message)
    return fold(message, nil, at: seconds)
  }

  /// Queues a task.
  mutating func queue(_ request: TaskRequest, at seconds: Int64, _ change: (inout RPCTask) -> Void = { _ in }) {
    count += 1
    var task = RPCTask(
      id: UUID128(high: 3, low: count), device: state.id, request: request, origin: .api,
      createdAt: (Self.start + seconds) * 1_000_000, deadline: (Self.start + seconds + 3_600) * 1_000_000)
    change(&task)
    state.tasks.append(task)
  }

  /// A record of the device goes to the dead letters.
  mutating func passOver(at seconds: Int64) -> [String] { take(Fold.passOver(state, context(at: seconds))) }

  private mutating func fold(_ message: CPEMessage, _ body: Envelope?, at seconds: Int64) -> [String] {
    take(Fold.fold(state, message, body, context(at: seconds)))
  }

  private func context(at seconds: Int64) -> Fold.Context {
    let shared = Fold.Context.Shared(
      policies: PolicyEngine(policies: []) { _ in [] }, policyEpoch: 1, settings: settings,
      now: (Self.start + seconds) * 1_000_000, secrets: NoSecrets(), fingerprint: TwinTests.fingerprint)
    return Fold.Context(shared, newID: { UUID128(high: 4, low: UInt64(seconds)) })
  }

  private mutating func take(_ outcome: (state: DeviceState, effects: [Effect])) -> [String] {
    state = outcome.state
    return outcome.effects.compactMap { effect in
      guard case .event(let event) = effect else { return nil }
      return String(event.type.dropFirst("carillon.".count).dropLast(".v1".count))
    }
  }

  private var settings: FoldSettings {
    var settings = FoldSettings()
    settings.givesCredentials = false
    return settings
  }
}
