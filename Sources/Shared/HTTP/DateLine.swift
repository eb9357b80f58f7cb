import Glibc

/// The Date field, written once a second (RFC 9110 §5.6.7).
struct DateLine {
  private var second = -1
  private var bytes: [UInt8] = []

  /// Appends `Date: …` CRLF.
  mutating func append(to head: inout [UInt8]) {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME_COARSE, &now)
    if now.tv_sec != second {
      second = now.tv_sec
      bytes = DateLine.render(second)
    }
    head.append(contentsOf: bytes)
  }

  static func render(_ second: Int) -> [UInt8] {
    var time = second
    var parts = tm()
    gmtime_r(&time, &parts)
    let days: [StaticString] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    let months: [StaticString] = [
      "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
    var bytes: [UInt8] = []
    func two(_ number: CInt) {
      bytes.append(0x30 + UInt8(number / 10))
      bytes.append(0x30 + UInt8(number % 10))
    }
    bytes.append("Date: ")
    bytes.append(days[Int(parts.tm_wday)])
    bytes.append(", ")
    two(parts.tm_mday)
    bytes.append(" ")
    bytes.append(months[Int(parts.tm_mon)])
    bytes.append(" ")
    bytes.append(decimal: Int(parts.tm_year) + 1900)
    bytes.append(" ")
    two(parts.tm_hour)
    bytes.append(":")
    two(parts.tm_min)
    bytes.append(":")
    two(parts.tm_sec)
    bytes.append(" GMT\r\n")
    return bytes
  }
}
