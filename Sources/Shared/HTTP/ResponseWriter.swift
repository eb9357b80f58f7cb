/// Writes response heads: always with an explicit Content-Length, never chunked (item 8).
enum ResponseWriter {
  /// Appends the status line and the fields that frame the message; the service's fields and an empty line are to
  /// follow.
  static func begin(_ status: HTTPStatus, bodyLength: Int, into head: inout [UInt8]) {
    head.append("HTTP/1.1 ")
    head.append(decimal: Int(status.rawValue))
    head.append(" ")
    head.append(status.reason)
    head.append("\r\nContent-Length: ")
    head.append(decimal: status.isBodyless ? 0 : bodyLength)
    head.append("\r\n")
  }
}
