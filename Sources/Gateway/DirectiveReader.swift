import Cryptography
import EventLog
public import Networking
import Operations

/// Reads a gateway's partition of `cwmp.directives` from its end and hands each loop what is its own
/// (docs/architecture.md, section 2.3). No group, no registry: what is for others is passed over.
public actor DirectiveReader {
  private nonisolated let loop: EventLoop
  private let parts: GatewayParts
  private let shards: [GatewayShard]
  private let reader: any LogReader
  private let seal: RecordSeal
  private var isStopping = false
  private var isReady = false
  private var metNewer = false

  /// Runs on the loop.
  public nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  /// Creates the reader of a gateway with these shards, in the order of their numbers. Call it on `loop`.
  public init(_ parts: GatewayParts, _ shards: [GatewayShard], on loop: EventLoop) {
    self.loop = loop
    self.parts = parts
    self.shards = shards
    reader = parts.log.reader(on: loop)
    seal = RecordSeal(parts.keyring, sealer: parts.sealer)
  }

  /// Finds the partition's end: before that the gateway must not serve.
  public func start() async throws {
    let partition = Partition(.directives, parts.replyPartition)
    await reader.assign([partition: try await parts.log.end(of: partition)])
    isReady = true
  }

  /// Reads until ``stop()``, also when the task that calls this is cancelled: while the gateway drains, its sessions go
  /// on. After an error the end is found anew, and `ready` repeated for every POST that waits.
  public func run() async {
    await Task(executorPreference: loop) { await self.read() }.value
  }

  private func read() async {
    while !isStopping {
      do throws(EventLogError) {
        let records = try await reader.next(maximumRecords: 512, maximumBytes: 4 << 20, wait: .milliseconds(500))
        await handOut(records)
      } catch {
        parts.logger.warning("directives cannot be read") { $0.add(error) }
        try? await loop.sleep(for: .milliseconds(200))
        do {
          try await start()
          for shard in shards { await shard.askAgain() }
        } catch {
          parts.logger.warning("the end of the directives cannot be found") { $0.add(error) }
        }
      }
    }
    await reader.close()
  }

  /// Ends ``run()``.
  public func stop() { isStopping = true }

  private func handOut(_ records: [LogRecord]) async {
    var directives: [[Directive]] = Array(repeating: [], count: shards.count)
    for record in records {
      guard !DirectiveRecord.isNewer(record) else {
        // Its session gets 204 in time, as if the directive were lost.
        if !metNewer { parts.logger.error("directives of a newer version are passed over: update this gateway") }
        metNewer = true
        continue
      }
      let found = DirectiveRecord.directives(in: record, for: parts.instance) { seal.open($0, for: $1) }
      for directive in found {
        let number = Int(directive.post.counter & 0xff)
        if number < directives.count { directives[number].append(directive) }
      }
    }
    for (shard, own) in zip(shards, directives) where !own.isEmpty { await shard.take(own) }
  }
}
