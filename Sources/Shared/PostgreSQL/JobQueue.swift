/// The bounded queue before a lane, and how batches are made of it. Pure: no clock, no connection.
struct JobQueue {
  private var waiting = Deque<Job>()
  /// What the holder of the lane wants sent; goes before all else.
  private var held = Deque<Job>()
  /// The transaction that has the lane, if one does.
  private(set) var holder: Int?
  private var waitingBytes = 0
  let maximumWaiting: Int
  let maximumWaitingBytes: Int
  let maximumBatch: Int
  let maximumBatchBytes: Int

  init(_ settings: LaneSettings) {
    maximumWaiting = settings.maximumWaiting
    maximumWaitingBytes = settings.maximumWaitingBytes
    maximumBatch = settings.maximumBatch
    maximumBatchBytes = settings.maximumBatchBytes
  }

  var isEmpty: Bool { waiting.isEmpty && held.isEmpty }

  /// Adds `job`; false if too much is waiting. One job of any size always has room.
  mutating func append(_ job: Job) -> Bool {
    guard waiting.isEmpty || (waiting.count < maximumWaiting && waitingBytes + job.byteCount <= maximumWaitingBytes)
    else { return false }
    waiting.append(job)
    waitingBytes += job.byteCount
    return true
  }

  /// Adds what the holder wants sent.
  mutating func appendHeld(_ job: Job) { held.append(job) }

  /// Puts jobs back that a neighbour's failure undid, before those that wait.
  mutating func putBack(_ jobs: [Job]) {
    for job in jobs.reversed() where !job.isOver {
      waiting.prepend(job)
      waitingBytes += job.byteCount
    }
  }

  /// Frees the lane for the others.
  mutating func release() { holder = nil }

  /// The next batch; nil if there is none, or only the holder may send. A `hold` job whose turn has come takes the lane
  /// and is handed out as `granted`.
  mutating func nextBatch(idle: Bool) -> (jobs: [Job], granted: Job?) {
    if holder != nil { return (nextHeld(idle: idle), nil) }
    var jobs: [Job] = []
    var bytes = 0
    while let job = waiting.first {
      if job.isOver {
        _ = pop()
        continue
      }
      switch job.work {
      case .hold:
        guard jobs.isEmpty else { return (jobs, nil) }
        holder = job.number
        return ([], pop())
      case .script:
        guard jobs.isEmpty && idle else { return (jobs, nil) }
        return ([pop()].compactMap { $0 }, nil)
      case .calls:
        let fits =
          jobs.isEmpty || (!job.alone && jobs.count < maximumBatch && bytes + job.byteCount <= maximumBatchBytes)
        guard fits, let job = pop() else { return (jobs, nil) }
        jobs.append(job)
        bytes += job.byteCount
        if job.alone { return (jobs, nil) }
      }
    }
    return (jobs, nil)
  }

  private mutating func nextHeld(idle: Bool) -> [Job] {
    while let job = held.first {
      if case .script = job.work, !idle, !job.isOver { return [] }
      _ = held.popFirst()
      if job.endsHold { holder = nil }
      if !job.isOver { return [job] }
    }
    return []
  }

  private mutating func pop() -> Job? {
    let job = waiting.popFirst()
    if let job { waitingBytes -= job.byteCount }
    return job
  }

  /// All jobs that wait, for a look at their deadlines.
  var all: [Job] { waiting.elements + held.elements }

  /// Empties the queue.
  mutating func removeAll() -> [Job] {
    waitingBytes = 0
    holder = nil
    return waiting.removeAll() + held.removeAll()
  }

  /// Takes what the holder wanted sent.
  mutating func removeHeld() -> [Job] { held.removeAll() }
}
