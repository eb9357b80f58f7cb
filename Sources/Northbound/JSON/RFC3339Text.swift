/// Reads times as clients write them.
enum RFC3339Text {
  /// Microseconds since 1970 of `2026-11-23T07:18:05.123Z`, of one with an offset, or of a date (its beginning in UTC);
  /// nil for anything else (RFC 3339 §5.6).
  static func microseconds(_ text: String) -> Int64? {
    var rest = Array(text.utf8)[...]
    func number(_ count: Int) -> Int64? {
      guard rest.count >= count else { return nil }
      var value: Int64 = 0
      for byte in rest.prefix(count) {
        guard (48...57).contains(byte) else { return nil }
        value = value * 10 + Int64(byte - 48)
      }
      rest = rest.dropFirst(count)
      return value
    }
    func skip(_ letters: StaticString) -> Bool {
      guard let first = rest.first else { return false }
      let fits = letters.withUTF8Buffer { $0.contains(first) }
      if fits { rest = rest.dropFirst() }
      return fits
    }
    guard let year = number(4), skip("-"), let month = number(2), skip("-"), let day = number(2),
      (1...12).contains(month), (1...daysIn(month, of: year)).contains(day)
    else { return nil }
    let days = daysFromCivil(year, month, day) * 86_400_000_000
    if rest.isEmpty { return days }
    guard skip("Tt "), let hour = number(2), skip(":"), let minute = number(2), skip(":"), let second = number(2),
      hour < 24, minute < 60, second <= 60
    else { return nil }
    var fraction: Int64 = 0
    if skip(".") {
      var unit: Int64 = 100_000
      guard let first = rest.first, (48...57).contains(first) else { return nil }
      while let digit = number(1) {
        fraction += digit * unit
        unit /= 10
      }
    }
    let time = days + ((hour * 60 + minute) * 60 + second) * 1_000_000 + fraction
    if skip("Zz") { return rest.isEmpty ? time : nil }
    let isAhead = rest.first == UInt8(ascii: "+")
    guard skip("+-"), let hours = number(2), skip(":"), let minutes = number(2), rest.isEmpty, hours < 24, minutes < 60
    else { return nil }
    let offset = (hours * 60 + minutes) * 60_000_000
    return isAhead ? time - offset : time + offset
  }

  private static func daysIn(_ month: Int64, of year: Int64) -> Int64 {
    switch month {
    case 4, 6, 9, 11: 30
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    default: 31
    }
  }

  /// Days since 1970 (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
  private static func daysFromCivil(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
    let shifted = month <= 2 ? year - 1 : year
    let era = (shifted >= 0 ? shifted : shifted - 399) / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - 719_468
  }
}
