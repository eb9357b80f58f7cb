public import Cryptography
public import EventLog
public import Networking

/// Reads pages of the event log for operators: bounded in records, bytes and time, one page at a time in a process.
///
/// The log is one of its own, opened when it is first asked for: a process's partitions have one reader each, and an
/// operator's must never be in the way of a worker's.
public actor LogBrowser {
  /// What a page ends at, besides its limit of records.
  private enum Bound {
    static let scanned = 5000
    /// Of the bodies that are told.
    static let bytes = 4 << 20
    static let time: Duration = .seconds(10)
  }

  private nonisolated let loop: EventLoop
  private let open: @Sendable () async throws -> (log: any EventLog, incarnation: UUID128)
  private nonisolated let keyring: ClusterKeyring
  private nonisolated let sealer: LogSealer
  private var log: (log: any EventLog, incarnation: UUID128)?
  private var isBusy = false
  private var isClosed = false

  /// Runs on the loop.
  public nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  /// A browser that has opened nothing yet.
  ///
  /// - Parameters:
  ///   - loop: where it lives.
  ///   - keyring: opens what is sealed.
  ///   - sealer: the process's.
  ///   - open: opens the event log and names the incarnation of its messages; the log is the browser's until
  ///     ``close()``.
  public init(
    on loop: EventLoop, keyring: ClusterKeyring, sealer: LogSealer,
    open: @escaping @Sendable () async throws -> (log: any EventLog, incarnation: UUID128)
  ) {
    self.loop = loop
    self.keyring = keyring
    self.sealer = sealer
    self.open = open
  }

  /// Reads a page.
  ///
  /// - Throws: ``Problem``: of kind `too-many` while another page is read, `invalid-field` for an offset that is not
  ///   there; `unavailable` where the log is.
  func page(_ query: LogQuery) async throws -> LogPage { try await alone { try await self.read(query) } }

  /// The oldest offset and the end of every partition, and the name of the claims on those of `messages`.
  ///
  /// - Throws: ``Problem`` as ``page(_:)``.
  func bounds() async throws -> (parts: [(partition: Partition, oldest: Int64, end: Int64)], claims: String) {
    try await alone {
      let (log, incarnation) = try await self.opened()
      try await log.learnPartitions(of: .messages)
      var parts: [(partition: Partition, oldest: Int64, end: Int64)] = []
      for topic in Topic.allCases {
        for number in 0..<log.partitionCount(of: topic) {
          let partition = Partition(topic, number)
          parts.append((partition, try await log.start(of: partition), try await log.end(of: partition)))
        }
      }
      return (parts, "messages/\(incarnation)")
    }
  }

  private func alone<Value>(_ work: () async throws -> Value) async throws -> Value {
    guard !isBusy else { throw Problem(.tooMany, "another request reads the log; try again in a moment") }
    isBusy = true
    defer { isBusy = false }
    do {
      return try await work()
    } catch let error as EventLogError {
      if case .offsetOutOfRange(_, let oldest, let end) = error.kind { throw Self.outside(oldest, end) }
      throw Problem(.unavailable, "the event log cannot be read (\(error)); try again in a moment")
    }
  }

  /// Opens what is sealed in the records of one page.
  nonisolated func seal() -> RecordSeal { RecordSeal(keyring, sealer: sealer) }

  /// Closes the log.
  public func close() async {
    isClosed = true
    let opened = log
    log = nil
    await opened?.log.shutdown()
  }

  private static func outside(_ oldest: Int64, _ end: Int64) -> Problem {
    Problem(.invalidField, "the partition holds the offsets \(oldest) up to \(end), its end", field: "offset")
  }

  private func opened() async throws -> (log: any EventLog, incarnation: UUID128) {
    if let log { return log }
    let opened = try await open()
    guard !isClosed else {
      await opened.log.shutdown()
      throw EventLogError(.stopped, "the process stops")
    }
    log = opened
    return opened
  }

  private func read(_ query: LogQuery) async throws -> LogPage {
    let log = try await opened().log
    if query.topic == .messages { try await log.learnPartitions(of: .messages) }
    let parts = log.partitionCount(of: query.topic)
    let partition = Partition(query.topic, try query.part(among: parts))
    var page = LogPage(
      partition: partition, parts: parts, deviceParts: query.deviceParts(among: parts),
      oldest: try await log.start(of: partition), end: try await log.end(of: partition))
    page.next = query.first(from: page.oldest, to: page.end)
    guard (page.oldest...page.end).contains(page.next) else { throw Self.outside(page.oldest, page.end) }
    let reader = log.reader(on: loop)
    do {
      if page.next < page.end { try await fill(&page, from: reader, query) }
    } catch {
      await reader.close()
      throw error
    }
    await reader.close()
    return page
  }

  private func fill(_ page: inout LogPage, from reader: any LogReader, _ query: LogQuery) async throws {
    let end = ContinuousClock.now + Bound.time
    var scanned = 0
    var bytes = 0
    await reader.assign([page.partition: page.next])
    while page.next < page.end, page.records.count < query.limit, scanned < Bound.scanned, bytes < Bound.bytes {
      let left = end - ContinuousClock.now
      let records = try await reader.next(maximumRecords: 256, maximumBytes: 1 << 20, wait: max(left, .zero))
      if records.isEmpty {
        // What is left before the end are marks of the broker's, or it is slow today.
        if left > .zero { page.next = page.end }
        return
      }
      for record in records where record.offset < page.end && page.records.count < query.limit {
        page.next = record.offset + 1
        scanned += 1
        guard !record.isHeartbeat, query.takes(record) else { continue }
        page.records.append(record)
        if query.bodies { bytes += record.value.count }
      }
    }
  }
}

/// A page of one partition.
struct LogPage: Sendable {
  var partition: Partition
  /// How many partitions the topic has.
  var parts: Int32
  /// Where the device's records are, the oldest first; empty where none was named.
  var deviceParts: [Int32]
  /// The oldest offset that can be read.
  var oldest: Int64
  /// The offset of the next record that will be written.
  var end: Int64
  /// Where the next page begins.
  var next: Int64 = 0
  var records: [LogRecord] = []
}
