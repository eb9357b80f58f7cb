import EventLog

/// The partitions that a shard owns: each with its claim, and with the records that were read from where the claim
/// stands on and are not committed yet.
///
/// Pure. Batches are taken from the heads of these only, and a claim moves only over what was taken: so nothing that
/// fails between reading and committing can make the shard pass over a record (P1) or fold one twice. After a failure
/// whose outcome is not known all of it is dropped, and the claims are read anew.
struct Assignment {
  /// A batch ends at so many records, or so much of ``weight(of:)``.
  static let maximumRecords = 256
  static let maximumWeight = 4 << 20
  /// A larger record is a batch of its own.
  static let largeRecord = 256 << 10
  /// A partition that was taken over so often without having moved may hold a record that crashes its owner.
  static let suspiciousStarts = 2

  /// What is read of a partition.
  private struct Part {
    var claim: Claim
    /// Read and not committed.
    var records: ArraySlice<LogRecord> = []
    /// Not nil where its next records go through a probe first: they may crash their owner.
    var suspicion: Suspicion?
    /// How many of a suspect's records have come through one.
    var cleared = 0

    /// What may be folded.
    var foldable: ArraySlice<LogRecord> { suspicion == nil ? records : records.prefix(cleared) }

    /// Where the reader goes on.
    var position: Int64 { records.last.map { $0.offset + 1 } ?? claim.nextOffset }
  }

  /// Records to be committed together, and where that moves their claims.
  struct Take {
    var records: [LogRecord] = []
    var moves: [(claim: Claim, to: Int64)] = []
    fileprivate var weight = 0
  }

  private var parts: [Int32: Part] = [:]
  /// Partitions that are not read for now, until when, whoever holds their claims meanwhile.
  private var parked: [Int32: ContinuousClock.Instant] = [:]
  /// Counts up so that after a failure another partition comes first.
  private var turn = 0

  /// The claims' epochs: what changes when a partition comes or goes.
  var epochs: [Int32: Int64] { parts.mapValues(\.claim.epoch) }

  /// How far each partition is folded.
  var done: [Partition: Int64] {
    parts.reduce(into: [:]) { $0[Partition(.messages, $1.key)] = $1.value.claim.nextOffset }
  }

  /// What the reader is to read, and from where on: not what is parked, nor more of what waits for a probe.
  var reading: [Partition: Int64] {
    var offsets: [Partition: Int64] = [:]
    for (number, part) in parts where parked[number] == nil && (part.suspicion == nil || part.records.isEmpty) {
      offsets[Partition(.messages, number)] = part.position
    }
    return offsets
  }

  /// Takes over what is claimed now. What was read of a partition whose claim is still the same is kept.
  mutating func begin(_ claims: [Int32: Claim]) {
    parts = claims.reduce(into: [:]) { parts, claim in
      if let part = self.parts[claim.key], part.claim.epoch == claim.value.epoch {
        parts[claim.key] = part
      } else {
        let isSuspect = claim.value.starts >= Self.suspiciousStarts
        parts[claim.key] = Part(claim: claim.value, suspicion: isSuspect ? Suspicion() : nil)
      }
    }
  }

  /// Gives partitions up.
  mutating func drop(_ parts: some Sequence<Int32>) { for part in parts { self.parts[part] = nil } }

  /// Drops everything: where the claims stand is PostgreSQL's to say. Next time another partition comes first.
  mutating func dropAll() {
    parts = [:]
    turn += 1
  }

  /// Leaves a partition unread until `end`.
  mutating func park(_ part: Int32, until end: ContinuousClock.Instant) {
    parked[part] = end
    parts[part]?.records = []
  }

  /// Reads partitions again whose time is over.
  mutating func unpark(at now: ContinuousClock.Instant) {
    if !parked.isEmpty { parked = parked.filter { $0.value > now } }
  }

  /// Keeps what the reader gave.
  /// - Throws: ``OutOfOrder`` where it does not go on from what was read before.
  mutating func read(_ records: [LogRecord]) throws(OutOfOrder) {
    for record in records {
      let number = record.partition.number
      guard let position = parts[number]?.position, parked[number] == nil else { continue }
      guard record.offset >= position else { throw OutOfOrder(partition: number, offset: record.offset) }
      parts[number]?.records.append(record)
    }
  }

  /// The first of what was read of a partition.
  func head(of part: Int32) -> LogRecord? { parts[part]?.records.first }

  /// The partitions of which something was read and may be folded, the next to be served first.
  var ready: [Int32] {
    let waiting = parts.filter { !$0.value.foldable.isEmpty }.keys.sorted()
    guard !waiting.isEmpty else { return [] }
    let first = turn % waiting.count
    return Array(waiting[first...] + waiting[..<first])
  }

  // MARK: - Suspects

  /// What a probe is to have first: of one suspect partition at a time.
  func nextProbe(at now: ContinuousClock.Instant) -> Take? {
    for (_, part) in parts.sorted(by: { $0.key < $1.key }) {
      guard let suspicion = part.suspicion, part.cleared == 0, !part.records.isEmpty,
        suspicion.restsUntil.map({ $0 <= now }) ?? true
      else { continue }
      var take = Take()
      Self.add(part.claim, part.records, to: &take, suspicion.size ?? Self.maximumRecords)
      return take
    }
    return nil
  }

  /// Notes what became of a probe: what came through may be folded. Nothing where the partition has gone meanwhile.
  /// - Returns: why the one record that it had is to be buried, where it is.
  mutating func probed(_ take: Take, _ verdict: ProbeVerdict, at now: ContinuousClock.Instant) -> String? {
    guard let claim = take.moves.first?.claim, let part = parts[claim.part], part.claim == claim,
      var suspicion = part.suspicion
    else { return nil }
    let isAll = take.records.count == part.records.count
    switch suspicion.take(verdict, of: take.records.count, at: now) {
    case .fold?:
      parts[claim.part]?.suspicion = isAll ? nil : suspicion
      parts[claim.part]?.cleared = take.records.count
      return nil
    case .bury(let reason)?:
      parts[claim.part]?.suspicion = suspicion
      return reason
    case nil:
      parts[claim.part]?.suspicion = suspicion
      return nil
    }
  }

  /// Up to `limit` records from the heads of these partitions, as a batch takes them; each partition up to the first
  /// record that `stops`.
  func take(
    _ limit: Int, from numbers: some Sequence<Int32>, stops: (LogRecord) -> Bool = { _ in false }
  ) -> Take {
    var take = Take()
    for number in numbers {
      guard let part = parts[number] else { continue }
      Self.add(part.claim, part.foldable, to: &take, limit, stops: stops)
    }
    return take
  }

  private static func add(
    _ claim: Claim, _ records: ArraySlice<LogRecord>, to take: inout Take, _ limit: Int,
    stops: (LogRecord) -> Bool = { _ in false }
  ) {
    var to: Int64?
    for record in records {
      guard take.records.count < limit, !stops(record) else { break }
      let weight = weight(of: record)
      guard take.records.isEmpty || take.weight + weight <= maximumWeight else { break }
      take.records.append(record)
      take.weight += weight
      to = record.offset + 1
    }
    if let to { take.moves.append((claim, to)) }
  }

  /// What was taken is committed.
  mutating func committed(_ take: Take) {
    for move in take.moves {
      guard var part = parts.removeValue(forKey: move.claim.part) else { continue }
      if part.claim.epoch == move.claim.epoch {
        part.claim.nextOffset = move.to
        part.claim.starts = 0
        let kept = part.records.drop { $0.offset < move.to }
        part.cleared = max(part.cleared - (part.records.count - kept.count), 0)
        // An empty slice would keep what it was cut from.
        part.records = kept.isEmpty ? [] : kept
      }
      parts[move.claim.part] = part
    }
  }

  /// What a record takes of a batch, in bytes: a deflated one is some multiple of what it is here, and a large one
  /// fills the batch alone.
  static func weight(of record: LogRecord) -> Int {
    let size = record.value.count * (RecordSeal.isDeflated(record.value) ? 16 : 1)
    return size > largeRecord ? maximumWeight : size
  }
}

/// The reader gave a record that lies before what it gave already.
struct OutOfOrder: Error, CustomStringConvertible {
  let partition: Int32
  let offset: Int64
  var description: String { "record \(offset) of partition \(partition) was read out of order" }
}
