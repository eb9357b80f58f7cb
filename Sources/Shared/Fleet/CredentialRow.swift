/// A device's own credentials: the row of table `credential` (docs/architecture.md, section 5). Secrets are sealed.
public struct CredentialRow: Sendable, Hashable {
  /// ManagementServer.Username.
  public var username: String
  /// ManagementServer.Password, sealed; nil: the device never used one of its own.
  public var secret: [UInt8]?
  /// A password given to the device that it has not used yet, sealed.
  public var pendingSecret: [UInt8]?
  /// ManagementServer.ConnectionRequestUsername.
  public var requestUsername = ""
  /// ManagementServer.ConnectionRequestPassword, sealed.
  public var requestSecret: [UInt8]?
  /// One that was sent and not confirmed, sealed.
  public var pendingRequestSecret: [UInt8]?
  /// Bootstrap is accepted again until then, microseconds since 1970.
  public var readmitUntil: Int64?
  /// When the device last came with bootstrap though it has its own; nil when it is not held.
  public var heldAt: Int64?

  /// Creates the row of a device that has nothing yet.
  public init(username: String) { self.username = username }
}
