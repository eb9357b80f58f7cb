public import Cryptography
import EventLog
import Fleet

/// The passwords of a device's own credentials.
public protocol DeviceSecrets {
  /// A password for `device`, sealed for storage; the same each time for the same session and purpose.
  func make(_ purpose: DeviceSecretPurpose, device: UUID128, session: UUID128) -> [UInt8]
  /// Opens a sealed password; nil when it cannot be opened with the keys at hand.
  func open(_ sealed: [UInt8], device: UUID128) -> String?
}

/// What a device's password is for.
public enum DeviceSecretPurpose: UInt8, Sendable {
  /// ManagementServer.Password: the device proves itself to us.
  case managementServer = 1
  /// ManagementServer.ConnectionRequestPassword: we prove ourselves to the device (item 187).
  case connectionRequest = 2
}

// A device that came with the bootstrap credential gets its own (docs/architecture.md, section 5).
extension Fold {
  /// Stores new credentials as pending and queues the task that gives them, unless one is under way.
  mutating func giveCredentialsIfNeeded() {
    guard needsOwnCredential || needsRequestCredential else { return }
    guard !state.tasks.contains(where: { $0.origin == .credentials }) else { return }
    let keep = !needsOwnCredential
    var credential = state.credential ?? CredentialRow(username: state.device?.identity ?? "")
    credential.requestUsername = state.device?.identity ?? ""
    if keep || !hasPendingCredential {
      if !keep { credential.pendingSecret = make(.managementServer) }
      credential.pendingRequestSecret = make(.connectionRequest)
    }
    state.credential = credential
    add(
      RPCTask(
        id: context.newID(), device: state.id, request: .giveCredentials(keepManagementServer: keep), once: false,
        origin: .credentials, createdAt: now, deadline: now + settings.credentialsDeadline))
  }

  /// Whether the device was, or may have been, given what it has not used yet. It is given the same again: one that
  /// took it and came once more with the shared credential (its Inform was under way, or it takes what is set when its
  /// session ends) would be locked out for good by another.
  private var hasPendingCredential: Bool {
    guard let credential = state.credential, let pending = credential.pendingSecret,
      let request = credential.pendingRequestSecret ?? credential.requestSecret
    else { return false }
    return [pending, request].allSatisfy { context.shared.secrets.open($0, device: state.id) != nil }
  }

  private func make(_ purpose: DeviceSecretPurpose) -> [UInt8] {
    context.shared.secrets.make(purpose, device: state.id, session: message.session)
  }

  /// Whether the device came with the shared credential and is to have its own.
  private var needsOwnCredential: Bool { message.authentication == .bootstrap && settings.givesCredentials }

  /// Whether a device that keeps what it has for us lacks a connection request credential that we know it to hold: one
  /// that refused is asked again with its next BOOTSTRAP only, which also may have made it forget.
  private var needsRequestCredential: Bool {
    guard message.authentication != .pending, !needsOwnCredential else { return false }
    if message.events.contains(where: { $0.code == "0 BOOTSTRAP" }) { return true }
    return state.credential?.requestSecret == nil && state.credential?.pendingRequestSecret == nil
  }

  /// The device proved that it has what was pending: so it took all that was set with it, whatever became of the
  /// response. What is pending by now may be another: where records were overtaken, or a restore has them folded again,
  /// one with the shared credential may have come between. That one the device does not have.
  mutating func adoptPendingCredential() {
    guard var credential = state.credential, let pending = credential.pendingSecret,
      message.pendingMark.isEmpty || message.pendingMark == CPEMessage.mark(ofSealed: pending)
    else { return }
    credential.secret = pending
    credential.pendingSecret = nil
    credential.readmitUntil = nil
    credential.heldAt = nil
    state.credential = credential
    credentialsTaken()
    tellOfDevice("credentials_adopted")
    let given = TaskRequest.giveCredentials(keepManagementServer: false)
    if let index = state.tasks.firstIndex(where: { $0.origin == .credentials && $0.request == given }) {
      finish(index, .succeeded)
    }
  }

  /// The CPE took its new credentials: connection requests use theirs from now on; the ManagementServer's stay pending
  /// until the device comes with them.
  mutating func credentialsTaken() {
    guard var credential = state.credential else { return }
    credential.requestSecret = credential.pendingRequestSecret ?? credential.requestSecret
    credential.pendingRequestSecret = nil
    state.credential = credential
  }

  /// What the credentials task sets, with the passwords in clear; nil when they cannot be opened or the root is
  /// unknown.
  func credentialSettings(keepManagementServer: Bool) -> [TaskRequest.Setting]? {
    guard let credential = state.credential, let root = state.device?.root, !root.isEmpty else { return nil }
    let server = root + "ManagementServer."
    func setting(_ name: String, _ value: String) -> TaskRequest.Setting {
      TaskRequest.Setting(name: server + name, value: value, type: "xsd:string")
    }
    var settings: [TaskRequest.Setting] = []
    if !keepManagementServer {
      guard let sealed = credential.pendingSecret, let password = context.shared.secrets.open(sealed, device: state.id)
      else {
        return nil
      }
      settings += [setting("Username", credential.username), setting("Password", password)]
    }
    guard let sealed = credential.pendingRequestSecret ?? credential.requestSecret,
      let password = context.shared.secrets.open(sealed, device: state.id)
    else { return nil }
    settings += [
      setting("ConnectionRequestUsername", credential.requestUsername), setting("ConnectionRequestPassword", password),
    ]
    return settings
  }
}
