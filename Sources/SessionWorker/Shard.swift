public import Cryptography
public import EventLog
import Networking
public import PostgreSQL

/// A shard of the session worker: one loop with its partitions, its pipelined connection and its fold
/// (docs/architecture.md, sections 3 and 8).
///
/// Round after round: read what is new in the owned partitions, and in one transaction move the claims, load, fold,
/// write; then tell the gateways. What it keeps from batch to batch is a cache that any error drops.
public actor Shard {
  /// What a shard works with.
  public struct Parts {
    /// Runs the batches' transactions.
    public var lane: Lane
    /// Renews leases meanwhile.
    public var claims: Claims
    /// Where messages come from and directives go to.
    public var log: any EventLog
    /// The incarnation of `cwmp.messages`.
    public var incarnation: UUID128
    /// Opens what gateways sealed, seals what goes to them.
    public var seal: RecordSeal
    /// The policies in force, read anew when their epoch goes up.
    public var policies: PolicyStore
    /// Devices' passwords.
    public var secrets: SealedSecrets
    /// What operators may set.
    public var settings: FoldSettings
    /// Where it says what it does.
    public var report: WorkerReport
    /// Folds records in a process of its own, which they may crash.
    public var probe: @Sendable (ProbeRange) async -> ProbeVerdict

    /// Gathers a shard's parts; lane and claims are on the shard's loop.
    public init(
      lane: Lane, claims: Claims, log: any EventLog, incarnation: UUID128, seal: RecordSeal, policies: PolicyStore,
      secrets: SealedSecrets, settings: FoldSettings, report: WorkerReport,
      probe: @escaping @Sendable (ProbeRange) async -> ProbeVerdict
    ) {
      self.lane = lane
      self.claims = claims
      self.log = log
      self.incarnation = incarnation
      self.seal = seal
      self.policies = policies
      self.secrets = secrets
      self.settings = settings
      self.report = report
      self.probe = probe
    }
  }

  /// What ``Parts/lane``'s sessions are to be set to (`LaneSettings.session`).
  public static let laneSession = BatchStatements.session

  /// A batch ends at that many records, or bytes.
  private static let maximumRecords = 256
  private static let maximumBytes = 1 << 20
  /// A new batch begins at most this often: full batches cost less a record.
  private static let pace: Duration = .milliseconds(5)
  /// A partition that was taken over that often without having moved may hold a record that crashes its owner.
  private static let suspiciousStarts = 2

  private nonisolated let loop: EventLoop
  private let parts: Parts
  private let reader: any LogReader
  private let producer: any LogProducer
  private let work: BatchWork
  /// Not on the batches' lane: what it waits for are those.
  private let opening: RangeOpening
  private var nextWaitReport: ContinuousClock.Instant?
  private var ranges: PartitionRanges?
  private var assigned: [Int32: Claim] = [:]
  /// Partitions whose next batch goes through a probe first.
  private var suspects: Set<Int32> = []
  private var brake = DeadLetterBrake()
  private var isStopping = false
  private var working: Task<Void, Never>?

  /// Runs on the loop of its lane.
  public nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  /// Creates a shard. Call it on the loop of `parts.lane`.
  public init(_ parts: sending Parts) {
    loop = parts.lane.loop
    reader = parts.log.reader(on: parts.lane.loop)
    producer = parts.log.producer(on: parts.lane.loop)
    work = BatchWork(parts)
    opening = parts.claims.opening(on: parts.log)
    self.parts = parts
  }

  /// Works until ``stop()``, also when the task that calls this is cancelled: a batch under way is finished.
  public func run() async {
    let rounds = Task(executorPreference: loop) { await self.rounds() }
    working = rounds
    await rounds.value
  }

  /// Finishes the batch under way and gives the partitions back.
  public func stop() async {
    isStopping = true
    await working?.value
  }

  private func rounds() async {
    let tending = Task(executorPreference: loop) { await self.tend() }
    while !isStopping {
      let began = loop.now
      await round()
      let rest = Self.pace - (loop.now - began)
      if rest > .zero { try? await loop.sleep(for: rest) }
    }
    tending.cancel()
    await tending.value
    await reader.close()
    do throws(PostgreSQLError) {
      try await parts.claims.leave()
    } catch {
      parts.report.failed("cannot give partitions back", error)
    }
  }

  // MARK: - Partitions

  /// Every half second: renews leases, seeks partitions, gives back what is over the share.
  private func tend() async {
    while !isStopping {
      do {
        let surplus = try await parts.claims.tend()
        if !surplus.isEmpty { try await parts.claims.release(surplus) }
      } catch {
        parts.report.failed("cannot renew leases", error)
      }
      do {
        switch try await opening.tend() {
        case .opened(let first)?: parts.report.opened(first)
        case .waits(let old)? where nextWaitReport.map { loop.now >= $0 } ?? true:
          parts.report.waits(for: old)
          nextWaitReport = loop.now + .seconds(60)
        default: break
        }
      } catch {
        parts.report.failed("cannot open a new range of partitions", error)
      }
      do { try await loop.sleep(for: .milliseconds(500)) } catch { return }
    }
  }

  /// Reads from where the claims stand.
  private func assign(_ claims: [Int32: Claim]) async {
    do {
      try await learnRanges()
    } catch {
      parts.report.failed("cannot read the ranges of partitions", error)
      assigned = [:]
      await reader.assign([:])
      try? await loop.sleep(for: .milliseconds(500))
      return
    }
    assigned = claims
    suspects.formIntersection(claims.keys)
    suspects.formUnion(claims.values.lazy.filter { $0.starts >= Self.suspiciousStarts }.map(\.part))
    let offsets = claims.values.map { (Partition(.messages, $0.part), $0.nextOffset) }
    await reader.assign(Dictionary(uniqueKeysWithValues: offsets))
    parts.report.owns(claims.count)
  }

  /// Which range is current, asked after the claims were taken: when another one opens, all claims before it end.
  private func learnRanges() async throws {
    let found = try await PartitionRanges.read(on: parts.lane)
    if found.total != ranges?.total { try await parts.log.learnPartitions(of: .messages) }
    ranges = found
  }

  private func round() async {
    let claims = await parts.claims.claims
    if claims.mapValues(\.epoch) != assigned.mapValues(\.epoch) { await assign(claims) }
    guard !assigned.isEmpty, let current = ranges?.current else {
      try? await loop.sleep(for: .milliseconds(50))
      return
    }
    do {
      let records = try await reader.next(
        maximumRecords: Self.maximumRecords, maximumBytes: Self.maximumBytes, wait: .milliseconds(200))
      let newer = Self.newer(in: records)
      var known =
        newer.isEmpty
        ? records : records.filter { $0.offset < newer[$0.partition.number]?.offset ?? .max }
      if current.first > 0, known.contains(where: { $0.partition.number < current.first }) {
        await pour(known.filter { $0.partition.number < current.first }, into: current)
        known.removeAll { $0.partition.number < current.first }
      }
      if let suspect = known.first(where: { suspects.contains($0.partition.number) })?.partition {
        await processSuspect(known.filter { $0.partition == suspect })
      } else if !known.isEmpty {
        await process(known)
      }
      for record in newer.values { await stop(before: record, after: known) }
    } catch {
      parts.report.failed("cannot read messages", error)
      try? await loop.sleep(for: .milliseconds(500))
    }
  }

  /// Of each partition the first record that a newer program wrote.
  private static func newer(in records: [LogRecord]) -> [Int32: LogRecord] {
    var first: [Int32: LogRecord] = [:]
    for record in records where first[record.partition.number] == nil && CPEMessage.isNewer(record) {
      first[record.partition.number] = record
    }
    return first
  }

  /// Leaves a partition, once all before the record is folded, to a worker of the newer version: no record may be
  /// passed over, and none may be buried because this program is too old for it.
  private func stop(before record: LogRecord, after known: [LogRecord]) async {
    let part = record.partition.number
    let last = known.last { $0.partition.number == part }?.offset ?? -1
    guard let claim = assigned[part] else { return }
    guard claim.nextOffset > last else { return await reseek() }
    parts.report.failed(
      "STOPPED", NewerRecord(partition: part, offset: record.offset))
    do {
      try await parts.claims.decline(part)
    } catch {
      parts.report.failed("cannot give a partition back", error)
    }
  }

  /// Passes records that came into an old range too late on to the current one, where they are folded as late ones.
  private func pour(_ records: [LogRecord], into range: PartitionRanges.Range) async {
    do {
      let late = records.filter { !$0.isHeartbeat }.map { range.poured($0) }
      for result in await append(late) { _ = try result.get() }
      let moves = self.moves(records)
      let moved = try await parts.lane.pipeline([parts.claims.swap(moves)])[0]
      guard moved.count == moves.count else { throw Fenced() }
      await note(moves)
      if !late.isEmpty { parts.report.poured(late.count) }
    } catch {
      parts.report.failed("records of an old range not passed on", error)
      try? await loop.sleep(for: .milliseconds(200))
      await reseek()
    }
  }

  private func append(_ records: [OutgoingRecord]) async -> [Result<Int64, EventLogError>] {
    if records.isEmpty { return [] }
    return await withCheckedContinuation { continuation in
      var results: [Result<Int64, EventLogError>] = []
      for record in records {
        producer.append(record) { result in
          results.append(result)
          if results.count == records.count { continuation.resume(returning: results) }
        }
      }
    }
  }

  // MARK: - Batches

  /// Lets a child process have the records of a suspect partition first; halves what it dies of, down to the record at
  /// fault, which goes to the dead letters unread (P7). Other partitions' records are read again afterwards.
  private func processSuspect(_ records: [LogRecord]) async {
    guard let first = records.first, let last = records.last else { return }
    let range = ProbeRange(partition: first.partition.number, first: first.offset, end: last.offset + 1)
    switch await parts.probe(range) {
    case .survived:
      suspects.remove(range.partition)
      await process(records)
      await reseek()
    case .died(let how) where records.count > 1:
      parts.report.probed(range, how)
      await processSuspect(Array(records.prefix(records.count / 2)))
      // The other half is still to be probed.
      suspects.insert(range.partition)
    case .died(let how):
      parts.report.probed(range, how)
      // Once may be an accident; nothing is condemned that did not do it twice.
      guard case .died = await parts.probe(range) else { return await reseek() }
      await bury(first, unread: "it crashed the worker: \(how)")
      await reseek()
    case .undecided(let reason):
      parts.report.probed(range, reason)
      try? await loop.sleep(for: .seconds(2))
      await reseek()
    }
  }

  private func bury(_ record: LogRecord, unread reason: String) async {
    do {
      try await commit(Batch(unread: record, reason), [record])
    } catch {
      parts.report.failed("dead letter not written", error)
    }
  }

  /// Processes records; halves a batch that PostgreSQL refuses because of a row, down to the record at fault (P7).
  private func process(_ records: [LogRecord]) async {
    do {
      try await batch(records, deadLetter: nil)
    } catch let error as PostgreSQLError {
      await recover(error, records)
    } catch let error as TooManyDeadLetters {
      parts.report.failed("STOPPED", error)
      try? await loop.sleep(for: .seconds(5))
      await reseek()
    } catch {
      parts.report.failed("batch given up", error)
      await reseek()
    }
  }

  private func recover(_ error: PostgreSQLError, _ records: [LogRecord]) async {
    switch error.remedy {
    case .bisect where records.count > 1:
      parts.report.failed("batch of \(records.count) halved", error)
      // The second half is read again: moving the claims in two steps keeps each step a whole batch.
      await process(Array(records.prefix(records.count / 2)))
      await reseek()
    case .bisect:
      parts.report.failed("record goes to the dead letters", error)
      do {
        try await batch(records, deadLetter: error.description)
      } catch {
        parts.report.failed("dead letter not written", error)
        await reseek()
      }
    case .stop:
      // Statements and schema do not fit: no record is to blame and none may be passed over.
      parts.report.failed("STOPPED: the schema is not this version's", error)
      try? await loop.sleep(for: .seconds(5))
      await reseek()
    case .retry:
      parts.report.failed("batch is tried again", error)
      try? await loop.sleep(for: .milliseconds(200))
      await reseek()
    }
  }

  /// After any failure: where the claims stand is PostgreSQL's to say, and reading goes on from there.
  private func reseek() async {
    do throws(PostgreSQLError) {
      try await parts.claims.reload()
      await assign(await parts.claims.claims)
    } catch {
      parts.report.failed("cannot read claims", error)
      try? await loop.sleep(for: .milliseconds(500))
    }
  }

  /// - Parameter deadLetter: why the single record is not folded, after it failed alone.
  private func batch(_ records: [LogRecord], deadLetter: String?) async throws {
    var batch = Batch(records, opening: parts.seal)
    if let deadLetter { batch.condemnAll(deadLetter) }
    try await commit(batch, records)
  }

  /// One transaction: swap, load, fold, write, commit; then the directives leave (P3).
  private func commit(_ batch: consuming Batch, _ records: [LogRecord]) async throws {
    let began = loop.now
    let moves = self.moves(records)
    var batch = batch
    let outcome = try await parts.lane.transaction(deadline: .seconds(20)) { transaction in
      let first = try await transaction.pipeline([parts.claims.swap(moves)] + work.opening(batch))
      guard first[0].count == moves.count else { throw Fenced() }
      let (outcome, writes) = try await work.fold(&batch, opening: first[1...], transaction)
      try brake.take(batch, at: began)
      try await transaction.pipeline(writes, commit: true)
      return outcome
    }
    await note(moves)
    tell(outcome.directives)
    parts.report.finished(batch, outcome, took: loop.now - began)
  }

  private func note(_ moves: [(claim: Claim, to: Int64)]) async {
    for move in moves {
      await parts.claims.moved(move.claim.part, to: move.to)
      assigned[move.claim.part]?.nextOffset = move.to
    }
  }

  /// Each partition's claim and where the batch moves it.
  private func moves(_ records: [LogRecord]) -> [(claim: Claim, to: Int64)] {
    var last: [Int32: Int64] = [:]
    for record in records { last[record.partition.number] = record.offset + 1 }
    return last.keys.sorted().compactMap { part in assigned[part].map { ($0, last[part] ?? $0.nextOffset) } }
  }

  /// Directives after the commit: a `send` each, `end` and `ask` of one gateway together.
  private func tell(_ directives: [(Directive, replyPartition: Int32)]) {
    var lists: [UUID128: (partition: Int32, directives: [Directive])] = [:]
    var order: [UUID128] = []
    for (directive, partition) in directives {
      let gateway = directive.post.instance
      if directive.verdict == .send {
        append(DirectiveRecord.send(directive) { parts.seal.seal($0, for: directive.session) }, partition)
      } else {
        if lists[gateway] == nil { order.append(gateway) }
        lists[gateway, default: (partition, [])].directives.append(directive)
      }
    }
    for gateway in order {
      if let list = lists[gateway] { append(DirectiveRecord.list(list.directives), list.partition) }
    }
  }

  private func append(_ record: (RecordHeaders, [UInt8]), _ partition: Int32) {
    let outgoing = OutgoingRecord(
      partition: Partition(.directives, partition), key: [], headers: record.0, value: record.1)
    let report = parts.report
    producer.append(outgoing) { result in
      // A directive that is lost costs one repeated `ready`.
      if case .failure(let error) = result { report.failed("directive not appended", error) }
    }
  }
}

/// A claim moved under another owner: the batch is not this shard's any more.
struct Fenced: Error, CustomStringConvertible {
  var description: String { "a partition was claimed by another worker" }
}

/// A record that a newer program wrote.
struct NewerRecord: Error, CustomStringConvertible {
  let partition: Int32
  let offset: Int64
  var description: String {
    "record \(offset) of partition \(partition) was written by a newer version: it waits for a worker of that version; "
      + "update the workers before the gateways and schedulers"
  }
}
