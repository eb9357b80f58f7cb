/// A date and time of the proleptic Gregorian calendar in UTC, by Howard Hinnant's civil-days algorithms.
struct CivilTime {
  var year: Int
  var month: Int
  var day: Int
  /// Microseconds of the day; an offset may take it below 0 or beyond the day.
  var microsecondOfDay: Int64

  /// Microseconds from 1970 to 0001-01-01T00:00:00Z.
  static let startOfYear1 = Int64(days(year: 1, month: 1, day: 1)) * 86_400_000_000

  var microsecondsSince1970: Int64 {
    Int64(Self.days(year: year, month: month, day: day)) * 86_400_000_000 + microsecondOfDay
  }

  init(microseconds: Int64) {
    let last = Int64(Self.days(year: 9999, month: 12, day: 31)) * 86_400_000_000 + 86_399_999_999
    let clamped = min(max(microseconds, Self.startOfYear1), last)
    let day = Int(clamped >= 0 ? clamped / 86_400_000_000 : (clamped - 86_399_999_999) / 86_400_000_000)
    microsecondOfDay = clamped - Int64(day) * 86_400_000_000
    let shifted = day + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    self.day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
    month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  }

  /// Reads `YYYY-MM-DDThh:mm:ss`, then perhaps a fraction, then `Z`, `+hh:mm`, `+hhmm`, `+hh` or nothing.
  init?(_ text: String) {
    var reader = DigitReader(text)
    guard let year = reader.number(digits: 4), reader.take("-"), let month = reader.number(digits: 2), reader.take("-"),
      let day = reader.number(digits: 2), reader.take("T") || reader.take("t") || reader.take(" "),
      let hour = reader.number(digits: 2), reader.take(":"), let minute = reader.number(digits: 2), reader.take(":"),
      let second = reader.number(digits: 2), let fraction = reader.fraction(), let offset = reader.offset(),
      reader.isAtEnd, (1...12).contains(month), (1...Self.daysIn(month: month, year: year)).contains(day), year > 0,
      hour < 24 || (hour == 24 && minute == 0 && second == 0), minute < 60, second <= 60
    else { return nil }
    self.year = year
    self.month = month
    self.day = day
    microsecondOfDay = Int64(hour * 3_600 + minute * 60 + second - offset) * 1_000_000 + Int64(fraction)
  }

  func text(milliseconds: Bool) -> String {
    let second = Int(microsecondOfDay / 1_000_000)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(24)
    func append(_ value: Int, digits: Int, then mark: Unicode.Scalar) {
      var divisor = digits == 4 ? 1_000 : digits == 3 ? 100 : 10
      while divisor > 0 {
        bytes.append(UInt8(48 + value / divisor % 10))
        divisor /= 10
      }
      bytes.append(UInt8(ascii: mark))
    }
    append(year, digits: 4, then: "-")
    append(month, digits: 2, then: "-")
    append(day, digits: 2, then: "T")
    append(second / 3_600, digits: 2, then: ":")
    append(second / 60 % 60, digits: 2, then: ":")
    append(second % 60, digits: 2, then: milliseconds ? "." : "Z")
    if milliseconds { append(Int(microsecondOfDay / 1_000 % 1_000), digits: 3, then: "Z") }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Days from 1970-01-01.
  private static func days(year: Int, month: Int, day: Int) -> Int {
    let year = month <= 2 ? year - 1 : year
    let era = (year >= 0 ? year : year - 399) / 400
    let yearOfEra = year - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }

  private static func daysIn(month: Int, year: Int) -> Int {
    switch month {
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }
}

private struct DigitReader {
  private var rest: Substring.UTF8View

  init(_ text: String) {
    rest = Substring(text.trimmingXMLSpace()).utf8
  }

  var isAtEnd: Bool { rest.isEmpty }

  mutating func take(_ mark: Unicode.Scalar) -> Bool {
    guard rest.first == UInt8(ascii: mark) else { return false }
    rest = rest.dropFirst()
    return true
  }

  mutating func digit() -> Int? {
    guard let byte = rest.first, (48...57).contains(byte) else { return nil }
    rest = rest.dropFirst()
    return Int(byte) - 48
  }

  mutating func number(digits: Int) -> Int? {
    var value = 0
    for _ in 0..<digits {
      guard let digit = digit() else { return nil }
      value = value * 10 + digit
    }
    return value
  }

  /// Microseconds; further digits are dropped.
  mutating func fraction() -> Int? {
    guard take(".") || take(",") else { return 0 }
    var value = 0
    var unit = 100_000
    guard let first = digit() else { return nil }
    value = first * unit
    while let digit = digit() {
      unit /= 10
      value += digit * unit
    }
    return value
  }

  /// Seconds east of UTC; none for `Z` and for no zone.
  mutating func offset() -> Int? {
    if isAtEnd || take("Z") || take("z") { return 0 }
    let sign = rest.first == UInt8(ascii: "-") ? -1 : 1
    guard take("+") || take("-"), let hours = number(digits: 2), hours <= 14 else { return nil }
    guard !isAtEnd else { return sign * hours * 3_600 }
    _ = take(":")
    guard let minutes = number(digits: 2), minutes < 60 else { return nil }
    return sign * (hours * 3_600 + minutes * 60)
  }
}
