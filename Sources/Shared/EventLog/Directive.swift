public import Cryptography

/// What a worker tells the gateway that holds a POST (docs/architecture.md, section 2.1).
public struct Directive: Sendable, Hashable {
  /// What to do.
  public enum Verdict: UInt8, Sendable {
    /// There is no work: answer 204 to the session's empty POSTs.
    case end = 1
    /// There is work: say when the CPE waits.
    case ask = 2
    /// Answer the POST with ``Directive/body``.
    case send = 3
  }

  /// What to do.
  public var verdict: Verdict
  /// The POST that is meant; `end` and `ask` after an Inform name the Inform's.
  public var post: PostID
  /// The session.
  public var session: UUID128
  /// Of `send`: the RPC's `cwmp:ID`, which the gateway stamps on a response that lost it.
  public var cwmpID: [UInt8]
  /// Of `send`: too late after this; microseconds since 1970, database clock.
  public var answerBy: Int64
  /// Of `send`: the finished SOAP envelope.
  public var body: [UInt8]

  /// Creates a directive.
  public init(
    _ verdict: Verdict, post: PostID, session: UUID128, cwmpID: [UInt8] = [], answerBy: Int64 = 0, body: [UInt8] = []
  ) {
    self.verdict = verdict
    self.post = post
    self.session = session
    self.cwmpID = cwmpID
    self.answerBy = answerBy
    self.body = body
  }
}

/// Directives as records of `cwmp.directives`: a `send` is a record of its own, `end` and `ask` for one gateway and
/// batch share one record that holds a list. The key is empty: the partition is the address.
public enum DirectiveRecord {
  private static let entryLength = 1 + 24 + 16

  /// The headers and value of a `send`.
  /// - Parameter seal: seals the body (``RecordSeal``), for it may hold secrets.
  public static func send(_ directive: Directive, seal: ([UInt8]) -> [UInt8]) -> (RecordHeaders, [UInt8]) {
    var headers = RecordHeaders()
    headers.append("v", CollectionOfOne(1))
    headers.append("kind", CollectionOfOne(Directive.Verdict.send.rawValue))
    headers.append("post", directive.post.bytes)
    headers.append("session", directive.session.bytes)
    headers.append("id", directive.cwmpID)
    headers.append("by", bigEndian(UInt64(bitPattern: directive.answerBy)))
    return (headers, seal(directive.body))
  }

  /// The headers and value of a list of `end` and `ask`, all of one gateway.
  public static func list(_ directives: [Directive]) -> (RecordHeaders, [UInt8]) {
    var headers = RecordHeaders()
    headers.append("v", CollectionOfOne(1))
    if let first = directives.first { headers.append("to", first.post.instance.bytes) }
    var value: [UInt8] = []
    value.reserveCapacity(directives.count * entryLength)
    for directive in directives {
      value.append(directive.verdict.rawValue)
      value.append(contentsOf: directive.post.bytes)
      value.append(contentsOf: directive.session.bytes)
    }
    return (headers, value)
  }

  /// Whether a record's layout is a newer program's, which this one would misunderstand.
  public static func isNewer(_ record: LogRecord) -> Bool { (record.headers.first("v")?.first ?? 1) > 1 }

  /// The directives in a record that are meant for `instance`; a record for another costs one look at its headers.
  /// - Parameter open: opens a sealed body of a session (``RecordSeal``); nil when it cannot.
  public static func directives(
    in record: LogRecord, for instance: UUID128, open: (_ body: [UInt8], _ session: UUID128) -> [UInt8]?
  ) -> [Directive] {
    if let to = record.headers.first("to") {
      guard to.elementsEqual(instance.bytes) else { return [] }
      return list(record.value)
    }
    guard var directive = send(record), directive.post.instance == instance,
      let body = open(record.value, directive.session)
    else { return [] }
    directive.body = body
    return [directive]
  }

  /// All directives in a record, whichever gateway is meant; a body that cannot be opened is left out.
  public static func all(
    in record: LogRecord, open: (_ body: [UInt8], _ session: UUID128) -> [UInt8]?
  ) -> [Directive] {
    if record.headers.first("to") != nil { return list(record.value) }
    guard var directive = send(record) else { return [] }
    directive.body = open(record.value, directive.session) ?? []
    return [directive]
  }

  /// What the headers of a `send` say.
  private static func send(_ record: LogRecord) -> Directive? {
    guard let post = record.headers.first("post").flatMap({ PostID(bytes: $0) }),
      let session = record.headers.first("session").flatMap({ UUID128(bytes: Array($0)) })
    else { return nil }
    return Directive(
      .send, post: post, session: session, cwmpID: Array(record.headers.first("id") ?? []),
      answerBy: Int64(bitPattern: number(record.headers.first("by") ?? [])))
  }

  private static func list(_ value: [UInt8]) -> [Directive] {
    stride(from: 0, through: value.count - entryLength, by: entryLength).compactMap { start in
      guard let verdict = Directive.Verdict(rawValue: value[start]), verdict != .send,
        let post = PostID(bytes: value[start + 1..<start + 25]),
        let session = UUID128(bytes: Array(value[start + 25..<start + 41]))
      else { return nil }
      return Directive(verdict, post: post, session: session)
    }
  }
}
