/// How messages to one model of CPE differ from the standard form.
public struct Dialect: OptionSet, Sendable, Hashable, Codable {
  /// The bits.
  public let rawValue: UInt16

  /// A dialect from its bits.
  public init(rawValue: UInt16) {
    self.rawValue = rawValue
  }

  /// Booleans as `true` and `false` instead of `1` and `0` (items 47, Q34, Q35).
  public static let wordBooleans = Dialect(rawValue: 1 << 0)
  /// dateTime with milliseconds (item 48, Q36).
  public static let dateTimeMilliseconds = Dialect(rawValue: 1 << 1)
}
