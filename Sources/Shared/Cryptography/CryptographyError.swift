/// What can go wrong with keys and sealed values. No case carries a secret.
public enum CryptographyError: Error, Equatable, Sendable {
  /// OpenSSL's configuration offers no SHA-256, MD5, HMAC or AES-256-GCM.
  case algorithmsUnavailable
  /// The secret is not 32 bytes, written raw, in hexadecimal or in base64, one a line; `line` counts from 1, 0 is none.
  case malformedSecret(line: Int)
  /// Sealed under a secret that this cluster does not (or no longer) have.
  case unknownKey(id: UInt32)
  /// Too short, or of a version that this program does not know.
  case malformedSeal
  /// The tag does not match: altered, of another owner (associated data), or sealed with another key.
  case forgedSeal
  /// The sealed plaintext would be larger than the reader allows.
  case tooLarge(limit: Int)
  /// OpenSSL refused an operation that cannot fail with valid input; an out-of-memory condition in practice.
  case operationFailed
}

extension CryptographyError: CustomStringConvertible {
  /// What, and what to do.
  public var description: String {
    switch self {
    case .algorithmsUnavailable:
      "OpenSSL offers no SHA-256, MD5, HMAC or AES-256-GCM: check its providers (openssl list -providers)"
    case .malformedSecret(let line):
      "the cluster secret\(line == 0 ? " file" : "'s line \(line)") is not 32 bytes as raw bytes, 64 hexadecimal "
        + "digits or base64: make one with `openssl rand -hex 32`"
    case .unknownKey(let id):
      "sealed under key \(String(id, radix: 16)), which is not in the cluster secret file: add the former secret as a "
        + "further line"
    case .malformedSeal: "the sealed value is cut short or of an unknown version"
    case .forgedSeal: "the sealed value does not belong here or was altered"
    case .tooLarge(let limit): "the sealed value is larger than \(limit) bytes"
    case .operationFailed: "OpenSSL failed an operation; is memory exhausted?"
    }
  }
}
