import Cryptography
import Glibc
import Networking
import Operations
import PostgreSQL
import SessionWorker

/// `carillon worker --probe PARTITION:FIRST:END`: the child in which a worker lets records loose that may crash their
/// reader. Exit code 0 where it could fold them or was refused in an orderly way, which the worker can be, too; another
/// where it could not do its work; a crash is a crash.
enum ProbeCommand {
  /// Memory and processor time that a batch never needs: at most 256 records, or one of 16 MiB.
  private static let memory: rlim_t = 4 << 30
  private static let seconds: rlim_t = 20

  static func run(_ records: String, _ arguments: Arguments) async throws -> Int32 {
    guard let range = ProbeRange(records) else {
      throw UsageError(command: "carillon worker", reason: "--probe takes PARTITION:FIRST:END, not '\(records)'")
    }
    limit(__rlimit_resource_t(RLIMIT_AS.rawValue), memory)
    limit(__rlimit_resource_t(RLIMIT_CPU.rawValue), seconds)
    limit(__rlimit_resource_t(RLIMIT_CORE.rawValue), 0)
    let writer = LogWriter()
    let process = try ServerProcess(
      try Carillon.load(arguments), path: arguments.value("config"), component: "probe", writer: writer)
    let (log, incarnation) = try await process.openLog()
    let loop = try EventLoop(name: "probe")
    let probe = try await loop.run { Probe(try WorkerRole.work(process, log, incarnation, on: loop)) }
    do {
      try await probe.run(range)
    } catch let error as PostgreSQLError where error.remedy != .retry {
      // The worker meets the same, and does what is to be done then.
    }
    writer.close()
    return 0
  }

  private static func limit(_ resource: __rlimit_resource_t, _ value: rlim_t) {
    var limit = rlimit(rlim_cur: value, rlim_max: value)
    setrlimit(resource, &limit)
  }
}
