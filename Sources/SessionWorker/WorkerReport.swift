import Cryptography
import EventLog
public import Operations

/// Where a shard says what it does: its log lines and its metrics.
public final class WorkerReport {
  private let logger: Logger
  private let records: Counter
  private let trivial: Counter
  private let deadLetters: Counter
  private let sends: Counter
  private let ends: Counter
  private let finishedTasks: Counter
  private let events: Counter
  private let failures: Counter
  private let batchSize: Histogram
  private let batchTime: Histogram
  private let age: Histogram
  private let partitions: Gauge
  private let pouredRecords: Counter

  /// Creates the report of one shard.
  public init(_ logger: Logger, _ registry: MetricsRegistry) {
    self.logger = logger
    records = registry.counter("carillon_worker_records_total", "Records of cwmp.messages folded")
    trivial = registry.counter("carillon_worker_trivial_informs_total", "Informs that said nothing new")
    deadLetters = registry.counter("carillon_worker_dead_letters_total", "Records that could not be folded")
    sends = registry.counter("carillon_worker_rpcs_dispatched_total", "RPCs dispatched")
    ends = registry.counter("carillon_worker_session_ends_total", "Sessions told to end")
    finishedTasks = registry.counter("carillon_worker_tasks_finished_total", "Tasks that are over")
    events = registry.counter("carillon_worker_events_total", "Northbound events written to the outbox")
    failures = registry.counter(
      "carillon_worker_failures_total", "Batches, reads and appends that failed and were tried again")
    batchSize = registry.histogram("carillon_worker_batch_records", "Records a batch", buckets: .counts)
    batchTime = registry.histogram("carillon_worker_batch_seconds", "Time of a batch to its commit", buckets: .latency)
    age = registry.histogram(
      "carillon_worker_record_age_seconds", "How long the oldest record of a batch had waited in the log",
      buckets: .latency)
    pouredRecords = registry.counter(
      "carillon_worker_poured_records_total", "Records of an old range of partitions passed on to the current one")
    partitions = registry.gauge("carillon_worker_partitions", "Partitions owned")
  }

  /// Something failed and is tried again.
  func failed(_ what: String, _ error: any Error) {
    failures.increment()
    logger.warning("worker failure") { line in
      line.add(.reason, what)
      line.add(error)
    }
  }

  /// A probe did not come back from these records as it should.
  func probed(_ range: ProbeRange, _ verdict: ProbeVerdict) {
    failures.increment()
    logger.warning("probe of suspicious records") { line in
      line.add(LogKey("records"), describing: range)
      line.add(.reason, String(describing: verdict))
    }
  }

  /// Workers read a new range of partitions from now on.
  func opened(_ first: Int32) {
    logger.info("a new range of partitions is read") { $0.add(LogKey("first"), Int64(first)) }
  }

  /// A new range of partitions has begun, and is not read before these are folded.
  func waits(for old: [Int32]) {
    logger.info("a new range of partitions waits") { line in
      line.add(LogKey("for"), old.prefix(100).map(String.init).joined(separator: ","))
    }
  }

  /// Records of an old range were passed on to the current one.
  func poured(_ count: Int) {
    pouredRecords.increment(by: count)
    logger.info("late records of an old range passed on") { $0.add(LogKey("count"), Int64(count)) }
  }

  /// How many partitions the shard owns now.
  func owns(_ count: Int) { partitions.set(count) }

  /// A batch was committed.
  func finished(_ batch: Batch, _ outcome: BatchFold.Outcome, took: Duration) {
    for alarm in outcome.alarms {
      logger.warning("alarm") { line in
        line.add(.device, describing: alarm.device)
        line.add(.reason, alarm.text)
      }
    }
    let count = batch.inputs.count + batch.deadLetters.count
    records.increment(by: count)
    trivial.increment(by: batch.inputs.count { $0.isTrivial })
    deadLetters.increment(by: batch.deadLetters.count)
    for (directive, _) in outcome.directives {
      switch directive.verdict {
      case .send: sends.increment()
      case .end: ends.increment()
      case .ask: break
      }
    }
    finishedTasks.increment(by: outcome.finished.count)
    events.increment(by: outcome.events.count)
    batchSize.observe(Int64(count))
    batchTime.observe(took)
    if !batch.inputs.isEmpty { age.observe(.microseconds(batch.age)) }
  }
}
