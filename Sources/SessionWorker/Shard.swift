public import Cryptography
public import EventLog
import Networking
public import PostgreSQL

/// A shard of the session worker: one loop with its partitions, its pipelined connection and its fold
/// (docs/architecture.md, sections 3 and 8).
///
/// Round after round: read what is new in the owned partitions, and in one transaction move the claims, load, fold,
/// write; then tell the gateways. What it keeps from batch to batch, its ``Assignment``, is a cache that any error
/// drops.
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

  /// Bytes of one reading.
  private static let maximumBytes = 1 << 20
  /// A new batch begins at most this often: full batches cost less a record.
  private static let pace: Duration = .milliseconds(5)
  /// For a batch; less than what a lease is overdue when others end its backend. A record that stands alone gets more.
  private static let patience: (batch: Duration, record: Duration) = (.seconds(7), .seconds(20))
  /// How long a partition rests that cannot be read, or whose records would be dead letters; then the alarm comes
  /// again.
  private static let rest: Duration = .seconds(60)

  private nonisolated let loop: EventLoop
  private let parts: Parts
  private let reader: any LogReader
  private let producer: any LogProducer
  private let work: BatchWork
  /// Not on the batches' lane: what it waits for are those.
  private let opening: RangeOpening
  private var ranges: PartitionRanges?
  private var assignment = Assignment()
  /// What the reader was told to read.
  private var reading: Set<Partition> = []
  /// Whether claims must be read anew before anything else: something failed.
  private var isLost = false
  /// Partitions over this member's share, to be given back between batches.
  private var surplus: [Int32] = []
  /// How many records a batch takes now: fewer after one that PostgreSQL refused or did not do in time.
  private var limit = Assignment.maximumRecords
  private var probing: Task<Void, Never>?
  private var probed: (take: Assignment.Take, verdict: ProbeVerdict)?
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
    let opening = Task(executorPreference: loop) { await self.openRanges() }
    while !isStopping {
      let began = loop.now
      do {
        try await round()
      } catch {
        await recover(error)
      }
      let rest = Self.pace - (loop.now - began)
      if rest > .zero { try? await loop.sleep(for: rest) }
    }
    for task in [tending, opening, probing] {
      task?.cancel()
      await task?.value
    }
    await reader.close()
    do throws(PostgreSQLError) {
      try await parts.claims.leave()
    } catch {
      parts.report.failed("cannot give partitions back", error)
    }
  }

  // MARK: - Partitions

  /// Every half second: renews leases, seeks partitions, names what is over the share. Now and then tells the log's own
  /// tools how far it is.
  private func tend() async {
    var noted: [Partition: Int64] = [:]
    var nextNote = loop.now
    while !isStopping {
      if nextNote <= loop.now {
        let done = assignment.done
        parts.log.note(done: done.filter { noted[$0.key] != $0.value })
        (noted, nextNote) = (done, loop.now + .seconds(10))
      }
      do {
        surplus = try await parts.claims.tend()
      } catch {
        parts.report.failed("cannot renew leases", error)
      }
      do { try await loop.sleep(for: .milliseconds(500)) } catch { return }
    }
  }

  /// Every half second: looks whether a new range of partitions can be read. Apart from the leases: it asks the log.
  private func openRanges() async {
    var nextReport = loop.now
    while !isStopping {
      do {
        switch try await opening.tend() {
        case .opened(let first)?: parts.report.opened(first)
        case .waits(let old)? where nextReport <= loop.now:
          parts.report.waits(for: old)
          nextReport = loop.now + .seconds(60)
        default: break
        }
      } catch {
        parts.report.failed("cannot open a new range of partitions", error)
      }
      do { try await loop.sleep(for: .milliseconds(500)) } catch { return }
    }
  }

  /// Sees to it that what is read is what is claimed.
  private func assign() async throws {
    if isLost {
      try await parts.claims.reload()
      isLost = false
    }
    if !surplus.isEmpty {
      let given = surplus
      surplus = []
      assignment.drop(given)
      await read()
      try await parts.claims.release(given)
    }
    let claims = await parts.claims.claims
    if claims.mapValues(\.epoch) != assignment.epochs {
      try await learnRanges()
      assignment.begin(claims)
      reading = []
      parts.report.owns(claims.count)
    }
    assignment.unpark(at: loop.now)
    await read()
  }

  /// Tells the reader what to read, where that has changed.
  private func read() async {
    let wanted = assignment.reading
    let partitions = Set(wanted.keys)
    guard partitions != reading else { return }
    reading = partitions
    await reader.assign(wanted)
  }

  /// Which range is current, asked after the claims were taken: when another one opens, all claims before it end.
  private func learnRanges() async throws {
    let found = try await PartitionRanges.read(on: parts.lane)
    if found.total != ranges?.total { try await parts.log.learnPartitions(of: .messages) }
    ranges = found
  }

  // MARK: - A round

  private func round() async throws {
    try await assign()
    guard let current = ranges?.current, !assignment.epochs.isEmpty else {
      try? await loop.sleep(for: .milliseconds(50))
      return
    }
    if assignment.ready.isEmpty {
      // Nothing of what a probe has now comes meanwhile.
      let records = try await reader.next(
        maximumRecords: Assignment.maximumRecords, maximumBytes: Self.maximumBytes, wait: .milliseconds(200))
      try assignment.read(records)
    }
    try await probe()
    for part in assignment.ready {
      guard let head = assignment.head(of: part), CPEMessage.isNewer(head) else { continue }
      try await leave(part, to: head)
    }
    let ready = assignment.ready
    try await pour(ready.filter { $0 < current.first }, into: current)
    try await fold(ready.filter { $0 >= current.first })
  }

  /// Folds a batch; halves one that PostgreSQL refuses because of a row, down to the record at fault, which goes to the
  /// dead letters (P7).
  private func fold(_ numbers: [Int32]) async throws {
    let take = assignment.take(limit, from: numbers, stops: CPEMessage.isNewer)
    guard !take.records.isEmpty else { return }
    do {
      try await commit(Batch(take.records, opening: parts.seal), take)
      limit = min(limit * 2, Assignment.maximumRecords)
    } catch let error as PostgreSQLError where error.remedy == .bisect {
      if take.records.count > 1 {
        parts.report.failed("batch of \(take.records.count) halved", error)
        limit = take.records.count / 2
      } else {
        parts.report.failed("record goes to the dead letters", error)
        var batch = Batch(take.records, opening: parts.seal)
        batch.condemnAll(error.description)
        try await commit(batch, take)
      }
    } catch let error as PostgreSQLError where error.isOfTime {
      limit = max(take.records.count / 2, 1)
      throw error
    }
  }

  /// Leaves a partition, once all before the record is folded, to a worker of the newer version: no record may be
  /// passed over, and none may be buried because this program is too old for it.
  private func leave(_ part: Int32, to record: LogRecord) async throws {
    parts.report.failed("STOPPED", NewerRecord(partition: part, offset: record.offset))
    assignment.drop(CollectionOfOne(part))
    await read()
    try await parts.claims.decline(part)
  }

  /// Passes records that came into an old range too late on to the current one, where they are folded as late ones.
  private func pour(_ numbers: [Int32], into range: PartitionRanges.Range) async throws {
    let take = assignment.take(Assignment.maximumRecords, from: numbers, stops: CPEMessage.isNewer)
    guard !take.records.isEmpty else { return }
    let late = take.records.filter { !$0.isHeartbeat }.map { range.poured($0) }
    for result in await producer.append(late) { _ = try result.get() }
    let moved = try await parts.lane.pipeline([parts.claims.swap(take.moves)])[0]
    guard moved.count == take.moves.count else { throw Fenced() }
    await committed(take)
    if !late.isEmpty { parts.report.poured(late.count) }
  }

  /// After a failure: what was read is dropped, and goes on from where the claims stand by PostgreSQL's word.
  private func recover(_ error: any Error) async {
    await drop()
    switch error {
    case let error as TooManyDeadLetters:
      parts.report.failed("STOPPED", error)
      assignment.park(error.partition, until: loop.now + Self.rest)
    case let error as EventLogError:
      guard case .offsetOutOfRange(let partition, _, _) = error.kind else {
        parts.report.failed("cannot read messages", error)
        try? await loop.sleep(for: .milliseconds(500))
        return
      }
      parts.report.failed("STOPPED: a partition does not hold what is to be read next", error)
      assignment.park(partition.number, until: loop.now + Self.rest)
    case let error as PostgreSQLError where error.remedy == .stop:
      // Statements and schema do not fit: no record is to blame and none may be passed over.
      parts.report.failed("STOPPED: the schema is not this version's", error)
      try? await loop.sleep(for: .seconds(5))
    case is PostgreSQLError:
      parts.report.failed("batch is tried again", error)
      try? await loop.sleep(for: .milliseconds(200))
    default:
      parts.report.failed("batch given up", error)
      if !(error is Fenced) { try? await loop.sleep(for: .milliseconds(200)) }
    }
  }

  /// Reads nothing more and forgets what was read. Before anything that may fail itself: the reader has gone on from
  /// where the claims stand, and must not be listened to before it is told where they do.
  private func drop() async {
    assignment.dropAll()
    isLost = true
    await read()
  }

  // MARK: - Suspects

  /// Lets a child process have the records of a suspect partition first, beside the folding of others; what it dies of
  /// twice goes to the dead letters unread (P7).
  private func probe() async throws {
    if let (take, verdict) = probed {
      probed = nil
      probing = nil
      if let reason = assignment.probed(take, verdict, at: loop.now) {
        try await commit(Batch(unread: take.records[0], reason), take)
      }
    }
    guard probing == nil, let take = assignment.nextProbe(at: loop.now), let range = ProbeRange(take) else { return }
    probing = Task(executorPreference: loop) { await self.run(range, take) }
  }

  private func run(_ range: ProbeRange, _ take: Assignment.Take) async {
    let verdict = await parts.probe(range)
    if verdict != .survived { parts.report.probed(range, verdict) }
    probed = (take, verdict)
  }

  // MARK: - Batches

  /// One transaction: swap, load, fold, write, commit; then the directives leave (P3).
  private func commit(_ batch: consuming Batch, _ take: Assignment.Take) async throws {
    let began = loop.now
    var batch = batch
    let patience = take.records.count > 1 ? Self.patience.batch : Self.patience.record
    let outcome = try await parts.lane.transaction(deadline: patience) { transaction in
      let first = try await transaction.pipeline([parts.claims.swap(take.moves)] + work.opening(batch))
      guard first[0].count == take.moves.count else { throw Fenced() }
      let (outcome, writes) = try await work.fold(&batch, opening: first[1...], transaction)
      try brake.take(batch, at: began)
      try await transaction.pipeline(writes, commit: true)
      return outcome
    }
    await committed(take)
    DirectiveSender(producer: producer, seal: parts.seal, report: parts.report).send(outcome.directives)
    parts.report.finished(batch, outcome, took: loop.now - began)
  }

  private func committed(_ take: Assignment.Take) async {
    assignment.committed(take)
    for move in take.moves { await parts.claims.moved(move.claim.part, to: move.to) }
  }
}

extension ProbeRange {
  /// What was taken of one partition.
  init?(_ take: Assignment.Take) {
    guard let first = take.records.first, let last = take.records.last else { return nil }
    self.init(partition: first.partition.number, first: first.offset, end: last.offset + 1)
  }
}

extension PostgreSQLError {
  /// Whether it was not done in time, by this side's deadline or because somebody ended it: fewer records take less.
  fileprivate var isOfTime: Bool { kind == .deadline || ["57014", "57P01"].contains(sqlState) }
}

/// A claim moved under another owner: the batch is not this shard's any more.
struct Fenced: Error, CustomStringConvertible {
  var description: String { "a partition was claimed by another worker" }
}
