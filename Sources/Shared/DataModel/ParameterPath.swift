/// The name of a parameter (`Device.DeviceInfo.UpTime`) or of an object (`Device.WiFi.Radio.1.`, with its final dot).
///
/// A thin wrapper of the text, checked once when it is made; the empty path is the root above the root object
/// (items 122, 145). Instances may be numbers (`.1.`), aliases (`.[lan].`) or, in a question, wildcards (`.*.`).
public struct ParameterPath: Sendable, Hashable {
  /// The most bytes that a path may have: `ParameterNames` are `string(256)` (item 145).
  public static let maximumLength = 256

  /// The path above `Device.` or `InternetGatewayDevice.`: the empty string of GetParameterNames (item 122).
  public static let root = ParameterPath(unchecked: "")

  /// The path's text as it stands on the wire.
  public let text: String

  /// Takes a text that is known to be a path.
  init(unchecked text: String) {
    self.text = text
  }

  /// Checks a path that we mean to send.
  ///
  /// - Throws: ``ParameterPathError`` for a text that is too long, has an empty segment, a space, a control character
  ///   or a bracket that does not close.
  public init(_ text: String) throws(ParameterPathError) {
    try Self.check(text)
    self.text = text
  }

  /// Takes a name as a CPE reported it, forgiving what CPEs are known for: spaces around it (Q29) and a leading dot
  /// (Q30). `nil` for what cannot be kept: no dot, too long, empty, control characters within.
  public init?(reported text: String) {
    var bytes = text.utf8[...]
    while let last = bytes.last, last <= 0x20 { bytes.removeLast() }
    while let first = bytes.first, first <= 0x20 { bytes.removeFirst() }
    guard bytes.count <= Self.maximumLength else { return nil }
    var hasDot = false
    for byte in bytes {
      guard byte >= 0x20, byte != 0x7F else { return nil }
      if byte == UInt8(ascii: ".") { hasDot = true }
    }
    guard hasDot else { return nil }
    self.text = bytes.count == text.utf8.count ? text : String(Substring(bytes))
  }

  /// Whether this is the empty path above every object.
  public var isRoot: Bool { text.isEmpty }

  /// Whether this names an object, that is: ends in a dot, or is the root (item 125).
  public var isObject: Bool { text.isEmpty || text.utf8.last == UInt8(ascii: ".") }

  /// The object that holds this parameter or object: `Device.A.` for `Device.A.B` and `Device.A.B.`; the root for
  /// `Device.`.
  public var parent: ParameterPath {
    var bytes = text.utf8[...]
    if bytes.last == UInt8(ascii: ".") { bytes.removeLast() }
    while let last = bytes.last, last != UInt8(ascii: ".") { bytes.removeLast() }
    return ParameterPath(unchecked: String(Substring(bytes)))
  }

  /// The path's names between the dots, without a final empty one.
  public var segments: [Substring] {
    text.split(separator: ".", omittingEmptySubsequences: true)
  }

  /// The last name: `UpTime` of `Device.DeviceInfo.UpTime`, `1` of `Device.WiFi.Radio.1.`; empty for the root.
  public var lastSegment: Substring { segments.last ?? "" }

  /// Whether the path has a `*` segment, which a CPE understands only with InstanceWildcardsSupported (item 144).
  public var hasWildcard: Bool { segments.contains("*") }

  /// Whether the path has an `[alias]` segment, which needs AliasBasedAddressing (item 142).
  public var hasAlias: Bool { text.utf8.contains(UInt8(ascii: "[")) }

  /// This object's member of that name: a parameter, or an object where the name ends in a dot.
  ///
  /// - Throws: ``ParameterPathError`` where the result is no path.
  public func appending(_ name: String) throws(ParameterPathError) -> ParameterPath {
    try ParameterPath((isObject ? text : text + ".") + name)
  }

  /// This object's instance of that number.
  public func instance(_ number: UInt32) -> ParameterPath {
    ParameterPath(unchecked: (isObject ? text : text + ".") + "\(number).")
  }

  /// Whether a name between dots names an instance: digits, or an alias in brackets.
  public static func isInstance(_ segment: Substring) -> Bool {
    let bytes = segment.utf8
    guard let first = bytes.first else { return false }
    if first == UInt8(ascii: "[") { return bytes.last == UInt8(ascii: "]") }
    return bytes.allSatisfy { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
  }

  private static func check(_ text: String) throws(ParameterPathError) {
    guard text.utf8.count <= maximumLength else { throw ParameterPathError(.tooLong, text) }
    var segmentLength = 0
    var inAlias = false
    for byte in text.utf8 {
      guard byte > 0x20, byte != 0x7F else { throw ParameterPathError(.illegalCharacter, text) }
      switch byte {
      case UInt8(ascii: "."):
        guard segmentLength > 0 else { throw ParameterPathError(.emptySegment, text) }
        guard !inAlias else { throw ParameterPathError(.openAlias, text) }
        segmentLength = 0
      case UInt8(ascii: "["):
        guard segmentLength == 0 else { throw ParameterPathError(.illegalCharacter, text) }
        inAlias = true
        segmentLength += 1
      case UInt8(ascii: "]"):
        guard inAlias, segmentLength > 1 else { throw ParameterPathError(.openAlias, text) }
        inAlias = false
        segmentLength += 1
      default: segmentLength += 1
      }
    }
    guard !inAlias else { throw ParameterPathError(.openAlias, text) }
  }
}

extension ParameterPath: Comparable {
  /// Order of the text, so that an object stands before what it holds.
  public static func < (left: ParameterPath, right: ParameterPath) -> Bool { left.text < right.text }
}

extension ParameterPath: CustomStringConvertible {
  /// The path's text.
  public var description: String { text }
}
