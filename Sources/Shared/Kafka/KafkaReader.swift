import CRdKafka
import EventLog
import Networking

/// One loop's reading: takes records straight out of the queues of its partitions.
actor KafkaReader: LogReader {
  /// One partition that is read.
  private struct Source {
    /// What the caller has seen: where it goes on.
    var position: Int64
    /// nil while the control thread begins it.
    var queue: KafkaPartitionQueue?
    /// Taken and not yet given out.
    var records: ArraySlice<LogRecord> = []
    var failure: Failure?
    /// Tells a source from an earlier one of the same partition.
    var generation: UInt64
  }

  private enum Failure {
    case outOfRange
    case other(EventLogError)
  }

  /// How many records are taken out of a queue at once.
  private static let batch = 64

  nonisolated let loop: EventLoop
  private let consumer: KafkaConsumer
  private let id: KafkaConsumer.ReaderID
  private var sources: [Partition: Source] = [:]
  private var order: [Partition] = []
  private var turn = 0
  /// Queues that may have something; they are asked until they are empty, and after each wake-up.
  private var ready: Set<Partition> = []
  private var generation: UInt64 = 0
  private var wakeup: KafkaWakeup?
  private var waiter: CheckedContinuation<Void, Never>?
  private var timer: LoopTimer?
  private var isClosed = false

  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  init(on loop: EventLoop, _ consumer: KafkaConsumer) {
    self.loop = loop
    self.consumer = consumer
    id = consumer.newReader()
  }

  func assign(_ offsets: [Partition: Int64]) {
    guard !isClosed else { return }
    let removed = sources.filter { offsets[$0.key] != $0.value.position || $0.value.failure != nil }.map(\.key)
    for partition in removed { drop(partition) }
    let added = offsets.filter { sources[$0.key] == nil }
    generation += 1
    for (partition, offset) in added { sources[partition] = Source(position: offset, generation: generation) }
    order = sources.keys.sorted()
    guard !removed.isEmpty || !added.isEmpty else { return }
    do throws(EventLogError) {
      let target = try wakeupMade().target
      let starts = added.map { partition, offset in
        KafkaConsumer.Start(partition: partition, offset: offset, descriptor: target) { [loop, generation] result in
          loop.post { self.assumeIsolated { $0.began(partition, result, generation) } }
        }
      }
      consumer.change(of: id, removing: removed, adding: starts) {}
    } catch {
      for partition in added.keys { sources[partition]?.failure = .other(error) }
    }
  }

  func next(maximumRecords: Int, maximumBytes: Int, wait: Duration) async throws(EventLogError) -> [LogRecord] {
    let deadline = ContinuousClock.now + wait
    while true {
      guard !isClosed else { throw EventLogError(.stopped, "kafka: reader closed") }
      let records = take(maximumRecords, maximumBytes)
      if !records.isEmpty { return records }
      try await throwFailure()
      if Task.isCancelled || ContinuousClock.now >= deadline { return [] }
      await sleep(until: deadline)
    }
  }

  func close() async {
    guard !isClosed else { return }
    isClosed = true
    let removed = Array(sources.keys)
    for partition in removed { drop(partition) }
    resume()
    // The descriptor is closed only when no queue can write to it: after everything handed to the control thread so
    // far.
    await withCheckedContinuation { continuation in
      consumer.change(of: id, removing: removed, adding: []) { continuation.resume() }
    }
    wakeup?.close()
    wakeup = nil
  }

  // MARK: - Taking

  /// In turns, so that a partition with much to read does not starve the others.
  private func take(_ maximumRecords: Int, _ maximumBytes: Int) -> [LogRecord] {
    var records: [LogRecord] = []
    var bytes = 0
    let first = turn
    for step in 0..<order.count {
      let place = (first + step) % order.count
      let partition = order[place]
      while records.count < maximumRecords, let record = head(of: partition) {
        let size = record.value.count + record.headers.bytes.count + record.key.count
        if !records.isEmpty, bytes + size > maximumBytes { return records }
        sources[partition]?.records.removeFirst()
        sources[partition]?.position = record.offset + 1
        records.append(record)
        bytes += size
        turn = (place + 1) % order.count
      }
      if records.count >= maximumRecords || bytes >= maximumBytes { break }
    }
    return records
  }

  private func head(of partition: Partition) -> LogRecord? {
    if let record = sources[partition]?.records.first { return record }
    guard ready.contains(partition), let queue = sources[partition]?.queue else { return nil }
    while ready.contains(partition) {
      let items = queue.take(Self.batch)
      if items.count < Self.batch { ready.remove(partition) }
      for item in items { note(item, of: partition) }
      if let record = sources[partition]?.records.first { return record }
    }
    return nil
  }

  private func note(_ item: KafkaPartitionQueue.Item, of partition: Partition) {
    guard let position = sources[partition]?.position else { return }
    switch item {
    // Below the position is left over from before a move.
    case .record(let record): if record.offset >= position { sources[partition]?.records.append(record) }
    case .outOfRange: sources[partition]?.failure = .outOfRange
    case .failure(let error): sources[partition]?.failure = .other(error)
    }
  }

  private func throwFailure() async throws(EventLogError) {
    for partition in order {
      guard let source = sources[partition], let failure = source.failure else { continue }
      switch failure {
      case .other(let error): throw error
      case .outOfRange:
        let bounds = try await consumer.bounds(of: partition)
        throw EventLogError(
          .offsetOutOfRange(partition, oldest: bounds.oldest, end: bounds.end),
          "read \(partition.topic.name)/\(partition.number) from \(source.position): it holds "
            + "\(bounds.oldest) to \(bounds.end)")
      }
    }
  }

  // MARK: - Waking

  private func wakeupMade() throws(EventLogError) -> KafkaWakeup {
    if let wakeup { return wakeup }
    let made = try KafkaWakeup(on: loop) { [weak self] in self?.assumeIsolated { $0.woken() } }
    wakeup = made
    return made
  }

  private func woken() {
    ready.formUnion(order)
    resume()
  }

  private func began(
    _ partition: Partition, _ result: Result<KafkaPartitionQueue, EventLogError>, _ generation: UInt64
  ) {
    // Moved on meanwhile: the change that did so is queued behind and ends it.
    guard sources[partition]?.generation == generation else { return }
    switch result {
    case .success(let queue):
      sources[partition]?.queue = queue
      ready.insert(partition)
    case .failure(let error): sources[partition]?.failure = .other(error)
    }
    resume()
  }

  private func drop(_ partition: Partition) {
    sources[partition] = nil
    ready.remove(partition)
  }

  private func sleep(until deadline: ContinuousClock.Instant) async {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        resume()
        waiter = continuation
        timer = loop.schedule(after: max(deadline - ContinuousClock.now, .milliseconds(1))) { [weak self] in
          self?.assumeIsolated { $0.resume() }
        }
        if Task.isCancelled { resume() }
      }
    } onCancel: {
      loop.post { self.assumeIsolated { $0.resume() } }
    }
  }

  private func resume() {
    timer?.cancel()
    timer = nil
    waiter?.resume()
    waiter = nil
  }
}
