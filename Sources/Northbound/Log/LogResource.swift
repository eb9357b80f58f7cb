import CWMP
import Cryptography
import EventLog
import HTTP
import PostgreSQL

/// `/log`: what is on the event log, for people who look for what happened. Secrets are taken out (item 115).
struct LogResource: Sendable {
  let devices: DeviceLookup
  let browser: LogBrowser

  var endpoints: [Endpoint] {
    [
      Endpoint(.get, "/log", "The event log's partitions, and how far workers are with each.", overview),
      Endpoint(.get, "/log/{topic}", "Records of one partition of the event log.", query: LogQuery.names, list),
    ]
  }

  private func overview(_ request: APIRequest, _ caller: Caller) async throws -> APIResponse {
    try request.allowQuery()
    let (parts, claims) = try await browser.bounds()
    let rows = try await devices.lane.query(Self.claims, .text(claims))
    var folded: [Int32: (offset: Int64, isOwned: Bool)] = [:]
    for row in rows { folded[try row.int32(0)] = (try row.int64(1), try row.bool(2)) }
    return .json { json in
      json.key("parts")
      json.array(parts) { json, part in
        json.object { json in
          json.member("topic", part.partition.topic.name)
          json.member("part", part.partition.number)
          json.member("oldest", part.oldest)
          json.member("end", part.end)
          guard part.partition.topic == .messages else { return }
          let claim = folded[part.partition.number]
          json.member("folded", claim?.offset ?? 0)
          json.member("behind", max(part.end - (claim?.offset ?? 0), 0))
          json.member("owned", claim?.isOwned ?? false)
        }
      }
    }
  }

  private static let claims = Statement(
    "log.claims", "SELECT part, next_offset, owner IS NOT NULL FROM log_claim WHERE log = $1")

  private func list(_ request: APIRequest, _ caller: Caller) async throws -> APIResponse {
    for (name, _) in request.query where !LogQuery.names.contains(name) {
      throw Problem(.invalidField, "'\(name)' is not known; known are \(LogQuery.names)", field: name)
    }
    var device: UUID128?
    if let text = request.queryValue("device") { device = try await devices.id(text) }
    let ranges = try await PartitionRanges.read(on: devices.lane)
    let query = try LogQuery(request, device: device, ranges: ranges)
    let page = try await browser.page(query)
    let seal = browser.seal()
    return .json { json in
      json.member("topic", page.partition.topic.name)
      json.member("part", page.partition.number)
      json.member("parts", page.parts)
      json.member("oldest", page.oldest)
      json.member("end", page.end)
      if !page.deviceParts.isEmpty {
        json.key("device_parts")
        json.array(page.deviceParts) { $0.value($1) }
      }
      json.key("records")
      json.array(page.records) { json, record in
        json.object { json in
          json.member("part", record.partition.number)
          json.member("offset", record.offset)
          json.member("time", time: record.timestamp)
          Self.write(record, seal, bodies: query.bodies, &json)
        }
      }
      json.key("next_offset")
      if page.next < page.end { json.value(page.next) } else { json.null() }
    }
  }

  private static func write(_ record: LogRecord, _ seal: RecordSeal, bodies: Bool, _ json: inout JSONWriter) {
    switch record.partition.topic {
    case .messages: writeMessage(record, seal, bodies: bodies, &json)
    case .directives: writeDirectives(record, seal, bodies: bodies, &json)
    case .deadLetters: writeDeadLetter(record, seal, bodies: bodies, &json)
    case .deviceEvents, .taskEvents:
      json.member("key", text(record.key))
      json.member("headers") { json in
        record.headers.each { json.member(text(Array($0)), text(Array($1))) }
      }
      if bodies { json.member("value", text(record.value)) }
    }
  }

  private static func writeMessage(
    _ record: LogRecord, _ seal: RecordSeal, bodies: Bool, _ json: inout JSONWriter
  ) {
    let message: CPEMessage
    do {
      message = try CPEMessage(record, seal: seal)
    } catch {
      json.member("device", text(record.key))
      json.member("unreadable", error.description)
      return
    }
    json.member("kind", String(describing: message.kind))
    json.member("device", message.device.description)
    json.member("session", message.session.description)
    if let post = message.post { json.member("post", text(post)) }
    if !message.method.isEmpty { json.member("method", message.method) }
    if !message.cwmpID.isEmpty { json.member("id", text(message.cwmpID)) }
    if !message.events.isEmpty {
      json.member("events", message.events.map { $0.commandKey.isEmpty ? $0.code : "\($0.code) (\($0.commandKey))" })
    }
    if message.kind == .inform {
      json.member("authentication", String(describing: message.authentication))
      json.member("retries", message.retryCount)
      json.member("waits", message.waits)
    }
    if !message.peer.isEmpty { json.member("peer", message.peer) }
    if !message.refused.isEmpty { json.member("refused", message.refused) }
    if let task = message.task {
      json.member("task", task.description)
      json.member("attempt", message.attempt)
    }
    if bodies, !message.body.isEmpty { json.member("body", text(Redaction.redacted(message.body))) }
  }

  private static func writeDirectives(
    _ record: LogRecord, _ seal: RecordSeal, bodies: Bool, _ json: inout JSONWriter
  ) {
    json.key("directives")
    json.array(DirectiveRecord.all(in: record) { body, session in seal.open(body, for: session) }) { json, directive in
      json.object { json in
        json.member("verdict", String(describing: directive.verdict))
        json.member("session", directive.session.description)
        json.member("post", text(directive.post))
        if !directive.cwmpID.isEmpty { json.member("id", text(directive.cwmpID)) }
        if bodies, !directive.body.isEmpty { json.member("body", text(Redaction.redacted(directive.body))) }
      }
    }
  }

  /// The reason, and the record that it was, as it would be shown on its own topic.
  private static func writeDeadLetter(
    _ record: LogRecord, _ seal: RecordSeal, bodies: Bool, _ json: inout JSONWriter
  ) {
    guard case .object(let letter)? = try? JSONValue.parse(record.value) else {
      return json.member("unreadable", "the value is no JSON object")
    }
    func member(_ name: String) -> String {
      if case .text(let text)? = letter[name] { text } else { "" }
    }
    json.member("reason", member("reason"))
    json.member("record") { json in
      let inner = LogRecord(
        partition: Partition(.messages, 0), offset: 0, timestamp: 0, key: Array(member("device").utf8),
        headers: RecordHeaders(bytes: Base64.decode(member("headers")) ?? []),
        value: Base64.decode(member("value")) ?? [])
      for name in ["partition", "offset"] {
        if case .integer(let number)? = letter[name] { json.member(name, number) }
      }
      writeMessage(inner, seal, bodies: bodies, &json)
    }
  }

  private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

  private static func text(_ post: PostID) -> String { "\(post.instance.base64URL)-\(post.counter)" }
}
