/// The Range field of a request (RFC 9110 §14): one range of bytes, as clients that resume a download ask for.
public enum ByteRange: Hashable, Sendable {
  /// No range that is understood: the whole (several ranges count as that too, which the RFC allows).
  case whole
  /// This part: 206 with ``contentRange(of:)``.
  case part(Range<Int>)
  /// Nothing of the file: 416.
  case unsatisfiable

  /// Reads the field's value for a file of `size` bytes.
  public init(_ value: String?, size: Int) {
    self = .whole
    guard let value, value.lowercased().hasPrefix("bytes=") else { return }
    let bounds = value.dropFirst(6).split(separator: "-", omittingEmptySubsequences: false)
    guard bounds.count == 2, bounds.allSatisfy({ $0.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 } }) else { return }
    switch (Int(bounds[0]), Int(bounds[1])) {
    case (let first?, let last?) where first <= last:
      self = first < size ? .part(first..<(min(last, size - 1) + 1)) : .unsatisfiable
    case (let first?, nil) where bounds[1].isEmpty:
      self = first < size ? .part(first..<size) : .unsatisfiable
    case (nil, let suffix?) where bounds[0].isEmpty:
      self = suffix > 0 && size > 0 ? .part(max(0, size - suffix)..<size) : .unsatisfiable
    default:
      return
    }
  }

  /// The Content-Range value of a 206 or a 416.
  public func contentRange(of size: Int) -> String? {
    switch self {
    case .whole: nil
    case .part(let range): "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(size)"
    case .unsatisfiable: "bytes */\(size)"
    }
  }
}
