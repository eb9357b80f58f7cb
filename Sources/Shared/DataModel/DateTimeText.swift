/// An `xsd:dateTime` as CPEs write it: `2026-11-23T07:45:19Z`, with a fraction, with an offset, or without a zone
/// (Q24).
struct DateTimeText {
  /// A moment, comparable with others whose zone is known as well, or unknown as well.
  struct Instant: Equatable {
    /// Seconds since 1970, in UTC or, without a zone, in the device's unknown one.
    let seconds: Int64
    /// The fraction's digits without closing zeros.
    let fraction: [UInt8]
    /// Whether the text named a zone.
    let hasZone: Bool
  }

  /// The moment that the text names.
  let instant: Instant

  /// Reads the text; `nil` for what is no date and time (Q25).
  init?(_ text: String) {
    var cursor = Cursor(rest: text.utf8[...])
    cursor.skipSpace()
    guard let year = cursor.number(4), cursor.take("-"), let month = cursor.number(2), cursor.take("-"),
      let day = cursor.number(2), cursor.take("T"), let hour = cursor.number(2), cursor.take(":"),
      let minute = cursor.number(2), cursor.take(":"), let second = cursor.number(2),
      (1...12).contains(month), (1...31).contains(day), hour <= 24, minute <= 59, second <= 60
    else { return nil }
    let fraction = cursor.fraction()
    guard let zone = cursor.zone() else { return nil }
    cursor.skipSpace()
    guard cursor.rest.isEmpty else { return nil }
    let local = Self.days(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second
    instant = Instant(seconds: local - (zone.offset ?? 0), fraction: fraction, hasZone: zone.offset != nil)
  }

  /// Days since 1970-01-01 of a date of the Gregorian calendar.
  private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
    let shifted = month <= 2 ? year - 1 : year
    let era = (shifted >= 0 ? shifted : shifted - 399) / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - 719_468
  }

  private struct Cursor {
    var rest: Substring.UTF8View

    mutating func skipSpace() {
      while let byte = rest.first, byte <= 0x20 { rest.removeFirst() }
    }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
      guard rest.first == UInt8(ascii: character) else { return false }
      rest.removeFirst()
      return true
    }

    mutating func number(_ digits: Int) -> Int64? {
      var value: Int64 = 0
      for _ in 0..<digits {
        guard let byte = rest.first, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
        value = value * 10 + Int64(byte - UInt8(ascii: "0"))
        rest.removeFirst()
      }
      return value
    }

    mutating func fraction() -> [UInt8] {
      guard take(".") else { return [] }
      var digits: [UInt8] = []
      while let byte = rest.first, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") {
        digits.append(byte)
        rest.removeFirst()
      }
      while digits.last == UInt8(ascii: "0") { digits.removeLast() }
      return digits
    }

    /// The zone's offset in seconds; an offset of `nil` where none is given; `nil` where what is given is none.
    mutating func zone() -> (offset: Int64?, Void)? {
      if take("Z") { return (0, ()) }
      let isWest = rest.first == UInt8(ascii: "-")
      guard isWest || rest.first == UInt8(ascii: "+") else { return (nil, ()) }
      rest.removeFirst()
      guard let hours = number(2), take(":"), let minutes = number(2), hours <= 14, minutes <= 59 else { return nil }
      return ((isWest ? -1 : 1) * (hours * 3_600 + minutes * 60), ())
    }
  }
}
