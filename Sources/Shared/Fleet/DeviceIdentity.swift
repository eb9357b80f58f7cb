public import CWMP
public import Cryptography

extension DeviceID {
  /// The namespace of device ids: every role, and every other system, computes a device's id from its identity.
  public static let namespace = UUID128(high: 0x6f1c_52a0_93d4_4b0e, low: 0x9a57_0d1f_8e2c_61b3)

  /// The device's id: UUIDv5 of its canonical identity (docs/architecture.md, section 5).
  public var id: UUID128 { UUID128.named(canonicalIdentity, in: Self.namespace) }
}
