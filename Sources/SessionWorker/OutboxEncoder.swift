public import Cryptography
public import EventLog

/// Northbound events as rows of the outbox: CloudEvents 1.0 in binary mode, attributes as `ce_` headers
/// (docs/architecture.md, section 5). The relay adds `ce_sequence`, which PostgreSQL allots.
public struct OutboxEncoder: Sendable {
  private let source: String

  /// Creates an encoder.
  /// - Parameter source: the CloudEvents source, a URI reference that names this cluster.
  public init(source: String = "/carillon") { self.source = source }

  /// The headers of an event.
  public func headers(_ id: UUID128, _ event: NorthboundEvent) -> RecordHeaders {
    var headers = RecordHeaders()
    headers.append("ce_specversion", "1.0")
    headers.append("ce_id", id.description)
    headers.append("ce_source", source)
    headers.append("ce_type", event.type)
    headers.append("ce_subject", event.device.description)
    headers.append("ce_time", RFC3339Text.text(event.time))
    headers.append("content-type", "application/json")
    return headers
  }
}

/// Times as RFC 3339 text in UTC with milliseconds.
enum RFC3339Text {
  /// The text of `microseconds` since 1970.
  static func text(_ microseconds: Int64) -> String {
    let milliseconds = microseconds.flooredDivision(1000)
    let days = milliseconds.flooredDivision(86_400_000)
    let rest = Int(milliseconds - days * 86_400_000)
    // Howard Hinnant's civil-from-days.
    let shifted = days + 719_468
    let era = shifted.flooredDivision(146_097)
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthIndex = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * monthIndex + 2) / 5 + 1
    let month = monthIndex < 10 ? monthIndex + 3 : monthIndex - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    func two(_ value: Int) -> String { value < 10 ? "0\(value)" : String(value) }
    let fraction = rest % 1000
    let padding = fraction < 10 ? "00" : fraction < 100 ? "0" : ""
    let date = "\(year)-\(two(Int(month)))-\(two(Int(day)))"
    return "\(date)T\(two(rest / 3_600_000)):\(two(rest / 60_000 % 60)):\(two(rest / 1000 % 60)).\(padding)\(fraction)Z"
  }
}

extension Int64 {
  fileprivate func flooredDivision(_ divisor: Int64) -> Int64 {
    let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? quotient - 1 : quotient
  }
}
