/// Turns a secret parameter's value into what the twin keeps of it: a keyed hash, made by whoever holds the key.
///
/// The same path and value must always give the same bytes, at most 64 of them; the key should differ per device or the
/// closure hash the device's id too, so that equal fingerprints tell nothing about two devices.
public struct SecretFingerprint: Sendable {
  private let make: @Sendable (ParameterPath, String) -> [UInt8]

  /// Wraps the hash.
  public init(_ make: @escaping @Sendable (_ path: ParameterPath, _ value: String) -> [UInt8]) {
    self.make = make
  }

  /// The fingerprint of a value.
  public func callAsFunction(_ path: ParameterPath, _ value: String) -> [UInt8] { make(path, value) }
}
