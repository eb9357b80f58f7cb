/// Times and sizes as people write them.
public enum Quantity {
  private static let timeUnits: [(suffix: String, milliseconds: Int64)] = [
    ("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000),
  ]
  private static let sizeUnits: [(suffix: String, bytes: Int)] = [
    ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("B", 1), ("", 1),
  ]

  /// `250ms`, `5s`, `10m`, `1h`, `7d`; `0` alone needs no unit. `nil` for anything else.
  public static func duration(_ text: String) -> Duration? {
    if text == "0" { return .zero }
    for unit in timeUnits where text.hasSuffix(unit.suffix) {
      guard let number = Int64(text.dropLast(unit.suffix.count)), number >= 0 else { continue }
      let (milliseconds, overflow) = number.multipliedReportingOverflow(by: unit.milliseconds)
      return overflow ? nil : .milliseconds(milliseconds)
    }
    return nil
  }

  /// The shortest of the forms that ``duration(_:)`` reads.
  public static func text(_ duration: Duration) -> String {
    let (seconds, attoseconds) = duration.components
    let milliseconds = seconds * 1000 + attoseconds / 1_000_000_000_000_000
    for unit in timeUnits.reversed() where milliseconds % unit.milliseconds == 0 && milliseconds != 0 {
      return "\(milliseconds / unit.milliseconds)\(unit.suffix)"
    }
    return "0"
  }

  /// `4096`, `4KiB`, `16MiB`, `1GiB`. `nil` for anything else.
  public static func bytes(_ text: String) -> Int? {
    for unit in sizeUnits where text.hasSuffix(unit.suffix) {
      guard let number = Int(text.dropLast(unit.suffix.count)), number >= 0 else { continue }
      let (bytes, overflow) = number.multipliedReportingOverflow(by: unit.bytes)
      return overflow ? nil : bytes
    }
    return nil
  }

  /// The shortest of the forms that ``bytes(_:)`` reads.
  public static func text(bytes: Int) -> String {
    for unit in sizeUnits[..<3].reversed() where bytes % unit.bytes == 0 && bytes != 0 {
      return "\(bytes / unit.bytes)\(unit.suffix)"
    }
    return "\(bytes)"
  }
}
