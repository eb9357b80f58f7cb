public import Networking

/// The event log: ordered partitions of records, appended and acknowledged, read from an offset
/// (docs/architecture.md, section 7). Kafka in production, PostgreSQL on a single machine; one conformance suite holds
/// both to the same semantics and nothing above knows which it has.
///
/// * **Order**: a partition's records are read in the order of their offsets, without a gap that could later be filled.
/// * **Acknowledged**: an append that succeeded is durable (``Topic/isTransient`` topics excepted).
/// * **At least once**: an append that failed may still have happened.
/// * **Never silent**: reading from an offset that the log no longer has fails with
///   ``EventLogError/Kind/offsetOutOfRange``; nothing is skipped.
public protocol EventLog: Sendable {
  /// How many partitions `topic` has, as was last looked.
  func partitionCount(of topic: Topic) -> Int32

  /// Looks again: `messages` may get more. To be called before a new one is written or read.
  func learnPartitions(of topic: Topic) async throws(EventLogError)

  /// A producer for the code of one loop. Call it on that loop.
  func producer(on loop: EventLoop) -> any LogProducer

  /// A reader for the code of one loop.
  func reader(on loop: EventLoop) -> any LogReader

  /// The offset that the next record of `partition` will get, or a later one.
  func end(of partition: Partition) async throws(EventLogError) -> Int64

  /// The offset of the oldest record that can still be read, or ``end(of:)`` if there is none.
  func start(of partition: Partition) async throws(EventLogError) -> Int64

  /// Tells the log's own tools how far partitions are done, so that they can show the lag. Nothing depends on it.
  func note(done offsets: [Partition: Int64])

  /// Returns once each of `written` takes appends durably (a heartbeat on `messages`) and each of `read` can be
  /// fetched, or throws why not: what "ready" means for a role (section 10).
  func probe(written: [Topic], read: [Topic]) async throws(EventLogError)

  /// Flushes, stops and frees; appends still waiting fail.
  func shutdown() async
}

/// Appends from one loop. Lives on that loop and is never touched from elsewhere.
///
/// Appends made in one turn of the loop travel together. The completion runs on the same loop, once, also when the log
/// is down: then with ``EventLogError/Kind/unavailable`` or ``EventLogError/Kind/full`` (at once, when too much is
/// waiting). Deadlines are the caller's: a completion may come late.
public protocol LogProducer: AnyObject {
  /// Appends `record`; `completion` gets its offset once it is durable.
  func append(_ record: OutgoingRecord, _ completion: @escaping (Result<Int64, EventLogError>) -> Void)
}

/// Reads partitions on one loop. An actor on that loop's executor: awaiting it from there costs no hop.
public protocol LogReader: Actor {
  /// Sets what is read: each partition and the offset to go on from. Records already fetched of partitions that keep
  /// their position are kept; everything else is dropped.
  func assign(_ offsets: [Partition: Int64])

  /// The next records of the assigned partitions, in order within each; moves past them.
  ///
  /// Waits until there is at least one record or `wait` is over (then empty). A record larger than `maximumBytes` comes
  /// alone.
  /// - Throws: ``EventLogError``; with ``EventLogError/Kind/offsetOutOfRange`` that names the partition.
  func next(maximumRecords: Int, maximumBytes: Int, wait: Duration) async throws(EventLogError) -> [LogRecord]

  /// Stops reading and frees what it holds.
  func close() async
}
