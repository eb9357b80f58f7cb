public import Cryptography

/// A record of `cwmp.messages`: what a CPE said, or what somebody must tell the worker of it
/// (docs/architecture.md, section 2.2). The value is the CPE's SOAP body as it came; the rest travels in headers.
public struct CPEMessage: Sendable {
  /// What the record says.
  public enum Kind: UInt8, Sendable, CaseIterable {
    /// A CPE's Inform. It will get its InformResponse once this is durable.
    case inform = 1
    /// A CPE waits with an empty POST for what we want of it.
    case ready = 2
    /// A CPE answered an RPC (or a body was refused, ``CPEMessage/refused``) and waits.
    case response = 3
    /// A gateway stopped holding a POST without having written a `send`.
    case unsent = 4
    /// A request of the CPE's own other than Inform (TransferComplete, ...), answered by the gateway.
    case request = 5
    /// From the scheduler: nothing came of this session for too long.
    case lost = 6
    /// From the scheduler: a live task is past its deadline.
    case due = 7
  }

  /// How the CPE proved who it is.
  public enum Authentication: UInt8, Sendable {
    /// Not at all; the listener was told to allow it.
    case none = 0
    /// With the device's own credential.
    case own = 1
    /// With the shared bootstrap credential.
    case bootstrap = 2
    /// With the device's own credential that was pending until now.
    case pending = 3
  }

  /// An event of an Inform with its CommandKey, as the CPE wrote them.
  public struct Event: Sendable, Hashable {
    /// For example `2 PERIODIC` or `M Reboot`.
    public var code: String
    /// Empty unless the event belongs to an operation.
    public var commandKey: String

    /// Creates an event.
    public init(code: String, commandKey: String = "") {
      self.code = code
      self.commandKey = commandKey
    }
  }

  /// The layout's version. It goes up when a reader of the version before would misunderstand a record; such a reader
  /// stops at one rather than pass it over (``isNewer(_:)``).
  public static let version: UInt8 = 1
  /// Goes up within a version when headers are added that a reader may ignore, or kinds that it must not.
  public static let revision: UInt8 = 0

  /// What the record says.
  public var kind: Kind
  /// The device, whose text is the record's key.
  public var device: UUID128
  /// The session (a UUIDv7 by the database's clock); for ``Kind/due`` zero.
  public var session: UUID128
  /// The POST that waits (``Kind/inform``: that carries it); for `lost` the last one known.
  public var post: PostID?
  /// The gateway's partition of `cwmp.directives`.
  public var replyPartition: Int32 = 0
  /// Nothing may be sent to the POST later than this: microseconds since 1970, database clock; 0 is never.
  public var answerBy: Int64 = 0
  /// The cluster's restore count as the gateway knows it: what bears another is folded and never answered (section 3).
  public var restoreCount: Int32 = 0
  /// Whether the session waits for work (section 2.5).
  public var waits = true
  /// Whether the record was passed on from an old range of partitions (``PartitionRanges/Range/poured(_:)``): what its
  /// device said later may have been folded before it.
  public var isPoured = false
  /// The `cwmp:ID` of the body, or that of the RPC answered.
  public var cwmpID: [UInt8] = []
  /// The RPC's name in the body: `Inform`, `GetParameterValuesResponse`, `Fault`, ...
  public var method = ""
  /// The CWMP namespace of the session: N of `urn:dslforum-org:cwmp-1-N`.
  public var namespaceMinor: UInt8 = 0
  /// The charset that the Content-Type named, empty where none.
  public var charset = ""
  /// Where the CPE's connection came from: an address without port.
  public var peer = ""
  /// How the CPE proved who it is.
  public var authentication = Authentication.none
  /// Of ``Authentication/pending``: which pending password was proved, ``mark(ofSealed:)``; empty from an older
  /// gateway.
  public var pendingMark: [UInt8] = []
  /// Of a response whose CPE lost its cwmp:ID: ``cwmpID`` is that of what this gateway sent last.
  public var isStamped = false
  /// Seconds of the Inform's SessionTimeout header, 0 where none (item 41).
  public var sessionTimeout: UInt32 = 0
  /// Of an Inform: how often it was tried before (item 93).
  public var retryCount: UInt32 = 0
  /// Of an Inform: its events.
  public var events: [Event] = []
  /// Of an Inform: SHA-256 over DeviceId and ParameterList.
  public var digest: [UInt8] = []
  /// Of a response: why the gateway did not take the body; then there is no value.
  public var refused = ""
  /// Of `due`: the task and attempt that are past their deadline.
  public var task: UUID128?
  /// Of `due`: the attempt.
  public var attempt: Int32 = 0
  /// The SOAP body, byte for byte after content decoding; empty for kinds without one.
  public var body: [UInt8] = []

  /// Creates a message of `kind`; the rest is set by property.
  public init(_ kind: Kind, device: UUID128, session: UUID128, post: PostID? = nil) {
    self.kind = kind
    self.device = device
    self.session = session
    self.post = post
  }

  /// Names a password by the sealed form in which it is stored: it says nothing of the password.
  public static func mark(ofSealed sealed: [UInt8]) -> [UInt8] { Array(SHA256.hash(sealed).bytes.prefix(8)) }

  /// Whether ``body`` must be sealed on the log: all but Inform bodies may hold secrets (section 2.2).
  public var isSealed: Bool { kind != .inform && !body.isEmpty }
}

extension CPEMessage {
  /// The headers that say all but the device and the body.
  public var headers: RecordHeaders {
    var headers = RecordHeaders()
    headers.append("v", Self.revision == 0 ? [Self.version] : [Self.version, Self.revision])
    headers.append("kind", CollectionOfOne(kind.rawValue))
    headers.append("session", session.bytes)
    if let post { headers.append("post", post.bytes) }
    if replyPartition != 0 { headers.append("reply", bigEndian(UInt32(bitPattern: replyPartition))) }
    if answerBy != 0 { headers.append("by", bigEndian(UInt64(bitPattern: answerBy))) }
    if restoreCount != 0 { headers.append("restore", bigEndian(UInt32(bitPattern: restoreCount))) }
    if !waits { headers.append("wait", CollectionOfOne(0)) }
    if isPoured { headers.append("poured", CollectionOfOne(1)) }
    if !cwmpID.isEmpty { headers.append("id", cwmpID) }
    if !method.isEmpty { headers.append("method", method) }
    if namespaceMinor != 0 { headers.append("ns", CollectionOfOne(namespaceMinor)) }
    if !charset.isEmpty { headers.append("charset", charset) }
    if !peer.isEmpty { headers.append("peer", peer) }
    if authentication != .none { headers.append("auth", CollectionOfOne(authentication.rawValue)) }
    if !pendingMark.isEmpty { headers.append("mark", pendingMark) }
    if isStamped { headers.append("stamped", CollectionOfOne(1)) }
    if sessionTimeout != 0 { headers.append("timeout", bigEndian(sessionTimeout)) }
    if retryCount != 0 { headers.append("retry", bigEndian(retryCount)) }
    for event in events {
      headers.append("event", event.code)
      if !event.commandKey.isEmpty { headers.append("key", event.commandKey) }
    }
    if !digest.isEmpty { headers.append("digest", digest) }
    if !refused.isEmpty { headers.append("refused", refused) }
    if let task {
      headers.append("task", task.bytes)
      headers.append("attempt", bigEndian(UInt32(bitPattern: attempt)))
    }
    return headers
  }

  /// The record to append, its body sealed where it may hold secrets.
  /// - Parameter now: microseconds since 1970, database clock: which range takes it.
  public func record(in ranges: PartitionRanges, at now: Int64, seal: RecordSeal) -> OutgoingRecord {
    var key: [UInt8] = []
    key.reserveCapacity(36)
    device.appendText(to: &key)
    return OutgoingRecord(
      partition: Partition(.messages, ranges.partition(of: key, at: now)), key: key, headers: headers,
      value: isSealed ? seal.seal(body, for: device) : body)
  }

  /// Whether a record was written by a newer program that this one cannot take the meaning of: neither folding it nor
  /// burying it would be right. Headers unknown to this program do not make it so, an unknown kind does.
  public static func isNewer(_ record: LogRecord) -> Bool {
    // Our own layout begins so.
    if record.headers.bytes.starts(with: [1, UInt8(ascii: "v"), 0, 1, version]) { return false }
    guard let version = record.headers.first("v"), let first = version.first else { return false }
    if first != Self.version { return first > Self.version }
    guard version.count > 1, version[version.startIndex + 1] > revision else { return false }
    return record.headers.first("kind")?.first.flatMap(Kind.init(rawValue:)) == nil
  }

  /// Reads a record, opening its body where it was sealed.
  /// - Throws: ``MalformedRecord``, also for a body that does not open.
  public init(_ record: LogRecord, seal: RecordSeal) throws(MalformedRecord) {
    try self.init(record, body: record.value)
    guard isSealed else { return }
    guard let opened = seal.open(record.value, for: device) else {
      throw MalformedRecord("the body was not sealed by this cluster for this device")
    }
    body = opened
  }

  /// Reads a record's headers.
  /// - Parameters:
  ///   - record: a record of `cwmp.messages`.
  ///   - body: its value, opened if it was sealed.
  /// - Throws: ``MalformedRecord`` with what is missing; such a record goes to the dead letters.
  public init(_ record: LogRecord, body: [UInt8]) throws(MalformedRecord) {
    guard let device = UUID128(text: record.key.span) else { throw MalformedRecord("key is not a device id") }
    self.init(.inform, device: device, session: UUID128.zero)
    var hasKind = false
    var hasSession = false
    record.headers.each { name, value in
      guard let first = value.first else { return }
      if name.elementsEqual("kind".utf8) {
        if let kind = Kind(rawValue: first) {
          self.kind = kind
          hasKind = true
        }
      } else if name.elementsEqual("session".utf8) {
        if let id = UUID128(bytes: Array(value)) {
          session = id
          hasSession = true
        }
      } else {
        take(name, value, first)
      }
    }
    guard hasKind else { throw MalformedRecord("header kind is missing or unknown") }
    guard hasSession else { throw MalformedRecord("header session is missing or not 16 bytes") }
    self.body = body
  }

  /// Takes one of the optional headers; unknown ones are a newer writer's and are passed over.
  private mutating func take(_ name: ArraySlice<UInt8>, _ value: ArraySlice<UInt8>, _ first: UInt8) {
    switch String(decoding: name, as: UTF8.self) {
    case "post": post = PostID(bytes: value)
    case "reply": replyPartition = Int32(truncatingIfNeeded: number(value))
    case "by": answerBy = Int64(bitPattern: number(value))
    case "restore": restoreCount = Int32(truncatingIfNeeded: number(value))
    case "wait": waits = first != 0
    case "poured": isPoured = first != 0
    case "id": cwmpID = Array(value)
    case "method": method = String(decoding: value, as: UTF8.self)
    case "ns": namespaceMinor = first
    case "charset": charset = String(decoding: value, as: UTF8.self)
    case "peer": peer = String(decoding: value, as: UTF8.self)
    case "auth": authentication = Authentication(rawValue: first) ?? .none
    case "mark": pendingMark = Array(value)
    case "stamped": isStamped = true
    case "timeout": sessionTimeout = UInt32(truncatingIfNeeded: number(value))
    case "retry": retryCount = UInt32(truncatingIfNeeded: number(value))
    case "event": events.append(Event(code: String(decoding: value, as: UTF8.self)))
    case "key":
      if !events.isEmpty { events[events.count - 1].commandKey = String(decoding: value, as: UTF8.self) }
    case "digest": digest = Array(value)
    case "refused": refused = String(decoding: value, as: UTF8.self)
    case "task": task = UUID128(bytes: Array(value))
    case "attempt": attempt = Int32(truncatingIfNeeded: number(value))
    default: break
    }
  }
}

/// A record that says too little to be acted on.
public struct MalformedRecord: Error, Sendable, CustomStringConvertible {
  /// What is wrong with it.
  public var description: String

  /// Creates the error.
  public init(_ description: String) { self.description = description }
}

/// The bytes of `value`, most significant first.
func bigEndian(_ value: some FixedWidthInteger) -> [UInt8] {
  withUnsafeBytes(of: value.bigEndian) { Array($0) }
}

/// Reads ``bigEndian(_:)``.
func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
  bytes.reduce(0) { $0 << 8 | UInt64($1) }
}
