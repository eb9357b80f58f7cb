/// What a descriptor is ready for, or what is asked of it.
public struct Readiness: OptionSet, Sendable, Hashable {
  /// The bits.
  public let rawValue: UInt8

  /// A set of the given bits.
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// Something can be read, or the other side has closed, or an error waits to be picked up.
  public static let readable = Readiness(rawValue: 1)
  /// Something can be written, or a connect has ended.
  public static let writable = Readiness(rawValue: 2)
}
