public import Cryptography
import DataModel

/// Devices' passwords: made from the cluster's secret, the device and the session, so that folding a record again makes
/// the same; sealed where they are stored (docs/architecture.md, section 5).
public struct SealedSecrets: DeviceSecrets, Sendable {
  private let key: SecretKey
  private let sealer: ValueSealer

  /// Creates the secrets of a cluster.
  public init(_ keyring: ClusterKeyring) {
    key = keyring.current.key(for: .derivedCredentials)
    sealer = ValueSealer(keyring)
  }

  /// A password of 128 bits as 22 characters, sealed.
  public func make(_ purpose: DeviceSecretPurpose, device: UUID128, session: UUID128) -> [UInt8] {
    let input = [purpose.rawValue] + device.bytes + session.bytes
    let password = HMACSHA256.authenticate(input.span, key: key).first16.base64URL
    do {
      return try sealer.seal(password, owner: device)
    } catch {
      // Only where OpenSSL has no AES-GCM; a device would be given a password that nobody knows.
      fatalError("a password cannot be sealed: \(error)")
    }
  }

  /// Opens a sealed password; nil when it cannot be opened with the keys at hand.
  public func open(_ sealed: [UInt8], device: UUID128) -> String? {
    try? sealer.openText(sealed, owner: device)
  }

  /// What twins keep of secret values: 16 bytes of a keyed hash over path and value.
  var fingerprint: SecretFingerprint {
    let key = key
    return SecretFingerprint { path, value in
      let input = [0] + Array(path.text.utf8) + [0] + Array(value.utf8)
      return HMACSHA256.authenticate(input.span, key: key).first16.bytes
    }
  }
}
