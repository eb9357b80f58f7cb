public import Cryptography

/// Seals and opens the values of `cwmp.*` records that may hold secrets (docs/architecture.md, section 2.2). One a
/// loop.
///
/// A value is bound to what it is about: a message to its device, a directive to its session; moved to another record
/// it does not open.
public final class RecordSeal {
  private let sealer: LogSealer
  private let opener: LogOpener

  /// Creates the seal of one loop.
  /// - Parameters:
  ///   - keyring: the cluster's secrets.
  ///   - sealer: the process's one sealer, whose counter its loops share.
  ///   - inflate: undoes the sealer's deflating; by default as the sealer knows.
  public init(_ keyring: ClusterKeyring, sealer: LogSealer, inflate: LogOpener.Inflate? = nil) {
    self.sealer = sealer
    opener = LogOpener(keyring, inflate: inflate ?? sealer.inflate)
  }

  /// The sealed value; empty stays empty.
  public func seal(_ value: [UInt8], for subject: UUID128) -> [UInt8] {
    if value.isEmpty { return [] }
    do {
      return try sealer.seal(value.span, associatedData: subject.bytes.span)
    } catch {
      // Only where OpenSSL has no AES-GCM: nothing may go out in clear, or be acknowledged without its body.
      fatalError("a record cannot be sealed: \(error)")
    }
  }

  /// Whether a value is larger when it is opened.
  public static func isDeflated(_ value: [UInt8]) -> Bool { LogSealer.isDeflated(value.span) }

  /// The value; nil where it was not sealed for this subject by this cluster.
  public func open(_ value: [UInt8], for subject: UUID128) -> [UInt8]? {
    if value.isEmpty { return [] }
    return try? opener.open(value.span, associatedData: subject.bytes.span)
  }
}
