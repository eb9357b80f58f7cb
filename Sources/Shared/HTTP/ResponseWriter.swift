/// Writes response heads: always with an explicit Content-Length, never chunked (item 8).
enum ResponseWriter {
  /// Appends the status line and the fields that frame the message; the service's fields and an empty line are to
  /// follow.
  static func begin(_ status: HTTPStatus, bodyLength: Int, into head: inout [UInt8]) {
    head.append("HTTP/1.1 ")
    head.append(decimal: Int(status.rawValue))
    head.append(" ")
    head.append(status.reason)
    head.append("\r\n")
    // A 304 speaks of another response's body (RFC 9110 §15.4.5); CPEs want the 0 of a 204 (item 8).
    if status == .notModified { return }
    head.append("Content-Length: ")
    head.append(decimal: status.isBodyless ? 0 : bodyLength)
    head.append("\r\n")
  }
}
