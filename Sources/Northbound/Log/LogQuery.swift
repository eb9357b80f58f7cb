import Cryptography
import EventLog
import HTTP

/// Which records of the event log a request asks for.
struct LogQuery: Sendable {
  /// The topics' names in paths.
  static let topics: [(name: String, topic: Topic)] = [
    ("messages", .messages), ("directives", .directives), ("dead-letters", .deadLetters),
    ("device-events", .deviceEvents), ("task-events", .taskEvents),
  ]
  static let names = ["device", "session", "part", "offset", "last", "limit", "bodies"]

  var topic: Topic
  /// Only records of this device.
  var device: UUID128?
  /// Only records of this session.
  var session: UUID128?
  /// How many at most, 1 to 1,000.
  var limit = 100
  /// Whether bodies and values are wanted.
  var bodies = true
  /// The ranges of partitions of `messages`: a device has a partition in each.
  private let ranges: PartitionRanges
  private var number: Int32?
  /// Where to begin: the oldest record unless given.
  private var offset: Int64?
  /// How many records before the end to begin.
  private var last: Int64?

  /// Reads the path and query; `device` was looked up before.
  init(_ request: APIRequest, device: UUID128?, ranges: PartitionRanges) throws(Problem) {
    self.ranges = ranges
    let name = request.parameters["topic"] ?? ""
    guard let found = Self.topics.first(where: { $0.name == name }) else {
      let known = Self.topics.map(\.name).joined(separator: ", ")
      throw Problem(.notFound, "there is no topic '\(name.prefix(100))'; there are \(known)", field: "topic")
    }
    topic = found.topic
    self.device = device
    if let text = request.queryValue("session") {
      guard let id = UUID128(text) else { throw Problem(.invalidField, "session is to be a UUID", field: "session") }
      session = id
    }
    number = try Self.number(request, "part", 0...9999).map { Int32($0) }
    offset = try Self.number(request, "offset", 0...Int64.max)
    last = try Self.number(request, "last", 0...Int64.max)
    limit = Int(try Self.number(request, "limit", 1...1000) ?? 100)
    switch request.queryValue("bodies") {
    case nil, "true"?: break
    case "false"?: bodies = false
    default: throw Problem(.invalidField, "bodies is to be true or false", field: "bodies")
    }
    if offset != nil, last != nil { throw Problem(.invalidField, "offset and last exclude each other", field: "last") }
    if device != nil, topic == .directives {
      throw Problem(.invalidField, "directives name sessions, not devices", field: "device")
    }
  }

  private static func number(
    _ request: APIRequest, _ name: String, _ range: ClosedRange<Int64>
  ) throws(Problem) -> Int64? {
    guard let text = request.queryValue(name) else { return nil }
    guard let number = Int64(text), range.contains(number) else {
      throw Problem(
        .invalidField, "\(name) is to be a whole number from \(range.lowerBound) to \(range.upperBound)", field: name)
    }
    return number
  }

  /// Where the device's records are, the oldest first; empty where none was named.
  func deviceParts(among parts: Int32) -> [Int32] {
    guard let device else { return [] }
    let key = Array(device.description.utf8)
    if topic == .messages { return ranges.ranges.map { $0.partition(of: key) } }
    return [Partitioning.partition(of: key, among: parts)]
  }

  /// The partition's number: the one asked for, or the device's newest.
  func part(among parts: Int32) throws(Problem) -> Int32 {
    let ofDevice = deviceParts(among: parts)
    if let number, !ofDevice.isEmpty, !ofDevice.contains(number) {
      let list = ofDevice.map(String.init).joined(separator: ", ")
      throw Problem(.invalidField, "the device's records are in part \(list)", field: "part")
    }
    let part = number ?? ofDevice.last ?? 0
    guard part < parts else {
      throw Problem(.invalidField, "the topic has the parts 0 to \(parts - 1)", field: "part")
    }
    return part
  }

  /// The offset to begin at, which may be outside of what is there.
  func first(from oldest: Int64, to end: Int64) -> Int64 {
    if let last { return max(oldest, last > end ? 0 : end - last) }
    return offset ?? oldest
  }

  /// Whether the record is of the device and session that were asked for.
  func takes(_ record: LogRecord) -> Bool {
    if let device, !record.key.elementsEqual(device.description.utf8) { return false }
    guard let session else { return true }
    if let header = record.headers.first("session") { return header.elementsEqual(session.bytes) }
    return topic == .directives && DirectiveRecord.all(in: record) { _, _ in nil }.contains { $0.session == session }
  }
}
