/// A dateTime as CWMP uses it, with the text as sent (items 48 and 49).
public struct DateTimeText: Sendable, Hashable, Codable, CustomStringConvertible {
  /// The text as sent or to be sent.
  public let text: String

  /// What a dateTime can mean.
  public enum Meaning: Sendable, Hashable {
    /// A point in time, microseconds since 1970-01-01T00:00:00Z. A text without zone is taken as UTC.
    case time(microseconds: Int64)
    /// `0001-01-01T00:00:00Z`, Unknown Time.
    case unknown
    /// Microseconds since boot: a time of the year 1.
    case sinceBoot(microseconds: Int64)
    /// `9999-12-31T23:59:59Z`, for ever.
    case infinite
    /// Not a dateTime; the text is all there is.
    case unparsable
  }

  /// Keeps a text as it is.
  public init(_ text: String) {
    self.text = text
  }

  /// The point in time in UTC with `Z`, whole seconds or, on request, milliseconds (``Dialect/dateTimeMilliseconds``).
  ///
  /// - Parameter microseconds: Since 1970; years 1...9999, others are clamped.
  public init(microseconds: Int64, milliseconds: Bool = false) {
    text = CivilTime(microseconds: microseconds).text(milliseconds: milliseconds)
  }

  /// Unknown Time.
  public static let unknown = DateTimeText("0001-01-01T00:00:00Z")
  /// Infinite time.
  public static let infinite = DateTimeText("9999-12-31T23:59:59Z")

  /// What the text means.
  public var meaning: Meaning {
    guard let time = CivilTime(text) else { return .unparsable }
    if time.year == 1 {
      let microseconds = time.microsecondsSince1970 - CivilTime.startOfYear1
      return microseconds == 0 ? .unknown : .sinceBoot(microseconds: microseconds)
    }
    return text.utf8.starts(with: "9999-12-31T23:59:59".utf8)
      ? .infinite : .time(microseconds: time.microsecondsSince1970)
  }

  /// Microseconds since 1970, if the text is a point in time.
  public var microseconds: Int64? {
    if case .time(let microseconds) = meaning { microseconds } else { nil }
  }

  /// The text.
  public var description: String { text }
}
