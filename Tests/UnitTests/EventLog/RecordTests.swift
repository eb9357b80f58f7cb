import Cryptography
import Testing

@testable import EventLog

@Suite("Records of the session path")
struct RecordTests {
  let device = UUID128(high: 1, low: 2)
  let session = UUID128(high: 3, low: 4)
  let post = PostID(instance: UUID128(high: 5, low: 6), counter: 7 << 8 | 1)

  func read(_ message: CPEMessage) throws -> CPEMessage {
    let record = LogRecord(
      partition: Partition(.messages, 0), offset: 9, timestamp: 10, key: Array(message.device.description.utf8),
      headers: message.headers, value: message.body)
    return try CPEMessage(record, body: record.value)
  }

  @Test("an Inform is read as it was written")
  func inform() throws {
    var message = CPEMessage(.inform, device: device, session: session, post: post)
    message.replyPartition = 7
    message.restoreCount = .max
    message.answerBy = 1_700_000_000_000_000
    message.waits = false
    message.cwmpID = Array("1234".utf8)
    message.method = "Inform"
    message.namespaceMinor = 2
    message.charset = "ISO-8859-1"
    message.peer = "192.0.2.7"
    message.authentication = .bootstrap
    message.pendingMark = CPEMessage.mark(ofSealed: [1, 2, 3])
    message.isStamped = true
    message.sessionTimeout = 90
    message.retryCount = 1490
    message.events = [.init(code: "1 BOOT"), .init(code: "M Reboot", commandKey: "key"), .init(code: "2 PERIODIC")]
    message.digest = Array(repeating: 8, count: 32)
    message.body = Array("<Envelope/>".utf8)
    let copy = try read(message)
    #expect(copy.kind == .inform && copy.device == device && copy.session == session && copy.post == post)
    #expect(copy.replyPartition == 7 && copy.answerBy == 1_700_000_000_000_000 && !copy.waits)
    #expect(copy.restoreCount == .max)
    #expect(copy.cwmpID == message.cwmpID && copy.method == "Inform" && copy.namespaceMinor == 2)
    #expect(copy.charset == "ISO-8859-1" && copy.peer == "192.0.2.7" && copy.authentication == .bootstrap)
    #expect(copy.pendingMark == message.pendingMark && copy.pendingMark.count == 8)
    #expect(copy.isStamped)
    #expect(copy.sessionTimeout == 90 && copy.retryCount == 1490 && copy.events == message.events)
    #expect(copy.digest == message.digest && copy.body == message.body)
  }

  @Test(
    "a newer revision is read without the headers that are unknown; a newer version, or an unknown kind of one, is not")
  func versions() throws {
    func record(_ version: [UInt8], kind: UInt8, tail: Bool = true) -> LogRecord {
      var headers = RecordHeaders()
      headers.append("v", version)
      headers.append("kind", CollectionOfOne(kind))
      headers.append("session", session.bytes)
      if tail { headers.append("from the future", [1, 2, 3]) }
      return LogRecord(
        partition: Partition(.messages, 0), offset: 9, timestamp: 10, key: Array(device.description.utf8),
        headers: headers, value: [])
    }
    #expect(!CPEMessage.isNewer(record([CPEMessage.version], kind: 2)))
    let revised = record([CPEMessage.version, CPEMessage.revision + 1], kind: 2)
    #expect(!CPEMessage.isNewer(revised))
    #expect(try CPEMessage(revised, body: []).kind == .ready)
    #expect(CPEMessage.isNewer(record([CPEMessage.version + 1], kind: 2)))
    #expect(CPEMessage.isNewer(record([CPEMessage.version, CPEMessage.revision + 1], kind: 99)))
    // Of our own version it is nonsense, and for the dead letters.
    #expect(!CPEMessage.isNewer(record([CPEMessage.version], kind: 99)))
    #expect(throws: MalformedRecord.self) { try CPEMessage(record([CPEMessage.version], kind: 99), body: []) }
  }

  @Test("a deadline's record names task and attempt")
  func due() throws {
    var message = CPEMessage(.due, device: device, session: .zero)
    message.task = UUID128(high: 8, low: 9)
    message.attempt = 3
    let copy = try read(message)
    #expect(copy.kind == .due && copy.task == message.task && copy.attempt == 3)
  }

  @Test("a header that a newer writer added is passed over")
  func newerHeader() throws {
    var headers = CPEMessage(.ready, device: device, session: session, post: post).headers
    headers.append("later", "something")
    let record = LogRecord(
      partition: Partition(.messages, 0), offset: 0, timestamp: 0, key: Array(device.description.utf8),
      headers: headers, value: [])
    #expect(try CPEMessage(record, body: []).post == post)
  }

  @Test("a record that is passed on to a new range is marked, and else as it was written")
  func poured() throws {
    var message = CPEMessage(.inform, device: device, session: session, post: post)
    message.body = Array("<Envelope/>".utf8)
    let range = PartitionRanges.Range(first: 4, count: 8, beginsAt: 0, isRead: true)
    let copy = range.poured(
      LogRecord(
        partition: Partition(.messages, 0), offset: 9, timestamp: 10, key: Array(device.description.utf8),
        headers: message.headers, value: message.body))
    #expect((4..<12).contains(copy.partition.number) && copy.partition.topic == .messages)
    let read = try CPEMessage(
      LogRecord(
        partition: copy.partition, offset: 0, timestamp: 0, key: copy.key, headers: copy.headers, value: copy.value),
      body: copy.value)
    #expect(read.isPoured && read.post == post && read.session == session && read.body == message.body)
    #expect(try !self.read(message).isPoured)
  }

  @Test("a record without kind, session or device is malformed and says what is missing")
  func malformed() {
    func error(_ key: String, _ headers: RecordHeaders) -> String? {
      let record = LogRecord(
        partition: Partition(.messages, 0), offset: 0, timestamp: 0, key: Array(key.utf8), headers: headers, value: [])
      do {
        _ = try CPEMessage(record, body: [])
        return nil
      } catch { return error.description }
    }
    #expect(error("nonsense", RecordHeaders()) == "key is not a device id")
    #expect(error(device.description, RecordHeaders()) == "header kind is missing or unknown")
    var headers = RecordHeaders()
    headers.append("kind", CollectionOfOne(1))
    #expect(error(device.description, headers) == "header session is missing or not 16 bytes")
  }

  @Test("headers that are cut short end where they are cut")
  func cutHeaders() {
    var headers = RecordHeaders()
    headers.append("a", "first")
    headers.append("b", "second")
    for length in 0..<headers.bytes.count {
      var seen = 0
      RecordHeaders(bytes: Array(headers.bytes.prefix(length))).each { _, _ in seen += 1 }
      #expect(seen == (length >= 9 ? 1 : 0))
    }
    #expect(headers.first("b").map(Array.init) == Array("second".utf8))
  }

  @Test("end and ask of one gateway share a record; another gateway reads nothing from it")
  func directiveList() {
    let directives = [
      Directive(.end, post: post, session: session),
      Directive(.ask, post: PostID(instance: post.instance, counter: 99), session: device),
    ]
    let (headers, value) = DirectiveRecord.list(directives)
    let record = LogRecord(
      partition: Partition(.directives, 0), offset: 0, timestamp: 0, key: [], headers: headers, value: value)
    #expect(DirectiveRecord.directives(in: record, for: post.instance) { body, _ in body } == directives)
    #expect(DirectiveRecord.directives(in: record, for: device) { body, _ in body }.isEmpty)
  }

  @Test("a send carries its envelope sealed and its RPC's ID")
  func directiveSend() {
    let directive = Directive(
      .send, post: post, session: session, cwmpID: Array("id1".utf8), answerBy: 77, body: Array("soap".utf8))
    let (headers, value) = DirectiveRecord.send(directive) { $0.reversed() }
    #expect(value == Array("paos".utf8))
    let record = LogRecord(
      partition: Partition(.directives, 0), offset: 0, timestamp: 0, key: [], headers: headers, value: value)
    #expect(DirectiveRecord.directives(in: record, for: post.instance) { body, _ in body.reversed() } == [directive])
    #expect(DirectiveRecord.directives(in: record, for: post.instance) { _, _ in nil }.isEmpty)
  }

  @Test("keys go where Kafka's Java clients put them", arguments: ["21", "foobar", "a-little-bit-long-string"])
  func partitioning(_ key: String) {
    // Vectors of Kafka's own tests for Utils.murmur2.
    let vectors: [String: Int32] = [
      "21": -973_932_308, "foobar": -790_332_482, "a-little-bit-long-string": -985_981_536,
    ]
    #expect(Int32(bitPattern: Partitioning.murmur2(Array(key.utf8))) == vectors[key])
  }
}
