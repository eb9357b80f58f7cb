/// The parts of an `http` or `https` URL that a request needs.
public struct ACSAddress: Sendable, Hashable {
  /// Whether it is `https`.
  public let isTLS: Bool
  /// The name or address, without brackets.
  public let host: String
  /// The port, also where the URL has none.
  public let port: UInt16
  /// Path and query, at least `/`.
  public let target: String
  /// User information of the URL, which a simulated CPE does not send.
  public let hasUserInformation: Bool

  /// Reads a URL; nil if it is none of these schemes or malformed.
  public init?(_ url: String) {
    let rest: Substring
    if url.lowercased().hasPrefix("http://") {
      isTLS = false
      rest = url.dropFirst(7)
    } else if url.lowercased().hasPrefix("https://") {
      isTLS = true
      rest = url.dropFirst(8)
    } else {
      return nil
    }
    let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
    let path = rest[end...].prefix { $0 != "#" }
    target = path.hasPrefix("/") ? String(path) : "/" + path
    var authority = rest[..<end]
    hasUserInformation = authority.contains("@")
    if let at = authority.lastIndex(of: "@") { authority = authority[authority.index(after: at)...] }
    guard let (host, port) = Self.split(authority, defaultPort: isTLS ? 443 : 80) else { return nil }
    (self.host, self.port) = (host, port)
    guard target.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }), host.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
      return nil
    }
  }

  /// Host and port as the `Host` field wants them.
  public var authority: String {
    let name = host.contains(":") ? "[\(host)]" : host
    return port == (isTLS ? 443 : 80) ? name : "\(name):\(port)"
  }

  private static func split(_ authority: Substring, defaultPort: UInt16) -> (String, UInt16)? {
    var host = authority
    var port = defaultPort
    if authority.hasPrefix("[") {
      guard let close = authority.firstIndex(of: "]") else { return nil }
      host = authority[authority.index(after: authority.startIndex)..<close]
      let rest = authority[authority.index(after: close)...]
      if !rest.isEmpty {
        guard rest.hasPrefix(":"), let number = UInt16(rest.dropFirst()) else { return nil }
        port = number
      }
    } else if let colon = authority.lastIndex(of: ":") {
      guard let number = UInt16(authority[authority.index(after: colon)...]) else { return nil }
      host = authority[..<colon]
      port = number
    }
    return host.isEmpty ? nil : (String(host), port)
  }
}
