/// Writes the head of a CPE's POST. What all POSTs of a fleet share is made once.
struct PostHead: Sendable {
  private let start: [UInt8]
  private let envelopeFields: [UInt8]
  /// The request's target, for Digest.
  let target: String

  init(_ acs: ACSAddress) {
    target = acs.target
    start = Array("POST \(acs.target) HTTP/1.1\r\nHost: \(acs.authority)\r\nUser-Agent: carillon-cpe\r\n".utf8)
    envelopeFields = Array("Content-Type: text/xml; charset=\"utf-8\"\r\nSOAPAction:\r\n".utf8)
  }

  /// A whole request; an empty body makes CWMP's empty POST, without Content-Type (item 6).
  func request(body: [UInt8], cookie: String?, authorization: String?) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(start.count + envelopeFields.count + body.count + 512)
    bytes.append(contentsOf: start)
    if !body.isEmpty { bytes.append(contentsOf: envelopeFields) }
    if let cookie {
      bytes.append(contentsOf: "Cookie: ".utf8)
      bytes.append(contentsOf: cookie.utf8)
      bytes.append(contentsOf: "\r\n".utf8)
    }
    if let authorization {
      bytes.append(contentsOf: "Authorization: ".utf8)
      bytes.append(contentsOf: authorization.utf8)
      bytes.append(contentsOf: "\r\n".utf8)
    }
    bytes.append(contentsOf: "Content-Length: ".utf8)
    bytes.append(contentsOf: String(body.count).utf8)
    bytes.append(contentsOf: "\r\n\r\n".utf8)
    bytes.append(contentsOf: body)
    return bytes
  }
}
