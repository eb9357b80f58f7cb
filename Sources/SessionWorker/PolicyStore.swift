import Cryptography
import Policy
import PostgreSQL

/// The policies in force, read anew when their epoch has gone up. One a shard, on its loop.
public final class PolicyStore {
  /// The engine over the policies of ``epoch``.
  private(set) var engine: PolicyEngine
  private var epoch: Int64 = -1
  private let report: WorkerReport

  /// Creates a store that has read nothing.
  public init(report: WorkerReport) {
    self.report = report
    engine = Self.engine([])
  }

  /// Reads the policies if `epoch` is not the one that was read last. A document that this version cannot read is left
  /// out and told: it was checked when it was put, so another version wrote it.
  func refresh(_ epoch: Int64, _ transaction: Transaction) async throws {
    guard epoch != self.epoch else { return }
    var policies: [VersionedPolicy] = []
    for row in try await transaction.query(Self.read) {
      let name = try row.text(0)
      do throws(PolicyError) {
        let document = try PolicyDocument.parse(try Self.document(row), file: name)
        policies.append(VersionedPolicy(document: document, version: Int(Self.version(row))))
      } catch {
        report.failed("policy \(name) is left out", error)
      }
    }
    engine = Self.engine(policies)
    self.epoch = epoch
  }

  private static func document(_ row: Row) throws(PolicyError) -> String {
    (try? row.text(2)) ?? ""
  }

  private static func version(_ row: Row) -> Int32 { (try? row.int32(1)) ?? 0 }

  private static func engine(_ policies: [VersionedPolicy]) -> PolicyEngine {
    PolicyEngine(policies: policies) { SHA256.hash($0).bytes }
  }

  private static let read = Statement("policies.read", "SELECT name, version, document FROM policy WHERE enabled")
}
