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
    if !keep {
      credential.pendingSecret = context.shared.secrets.make(
        .managementServer, device: state.id, session: message.session)
    }
    credential.requestUsername = state.device?.identity ?? ""
    credential.pendingRequestSecret =
      context.shared.secrets.make(.connectionRequest, device: state.id, session: message.session)
    state.credential = credential
    add(
      RPCTask(
        id: context.newID(), device: state.id, request: .giveCredentials(keepManagementServer: keep), once: false,
        origin: .credentials, createdAt: now, deadline: now + settings.credentialsDeadline))
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

  /// The device proved that it has what was pending.
  mutating func adoptPendingCredential() {
    guard var credential = state.credential, let pending = credential.pendingSecret else { return }
    credential.secret = pending
    credential.pendingSecret = nil
    credential.readmitUntil = nil
    credential.heldAt = nil
    state.credential = credential
    tellOfDevice("credentials_adopted")
  }

  /// The CPE took its new credentials: connection requests use theirs from now on; the ManagementServer's stay pending
  /// until the device comes with them.
  mutating func credentialsTaken(keepManagementServer: Bool) {
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
