import CWMP
import Cryptography
import EventLog
import Policy
import PostgreSQL

/// What a batch's transaction does once it may, the same in a shard and in its probe: load, fold, and the statements
/// that write what came of it.
struct BatchWork {
  private let parts: Shard.Parts
  private let parser = EnvelopeParser()

  init(_ parts: Shard.Parts) { self.parts = parts }

  /// The first reads of the transaction, sent together with the claims' swap.
  func opening(_ batch: Batch) -> [Call] {
    [Call(BatchStatements.cluster), Call(BatchStatements.contacts, .uuids(batch.devices))]
  }

  /// Folds the batch by what `opening` read.
  /// - Returns: what came of it, and the statements that persist it.
  func fold(
    _ batch: inout Batch, opening: ArraySlice<Rows>, _ transaction: Transaction
  ) async throws -> (outcome: BatchFold.Outcome, writes: [Call]) {
    guard let cluster = opening.first?.first, let contacts = opening.last else {
      throw PostgreSQLError(.misconfigured, "cluster_state is empty")
    }
    let now = try cluster.int64(2)
    let epoch = try cluster.int64(0)
    try await parts.policies.refresh(epoch, transaction)
    let engine = parts.policies.engine
    batch.classify(try BatchStore.contacts(contacts), policyEpoch: epoch, restoreCount: try cluster.int32(1), now: now)
    try await load(&batch, engine, transaction)
    let shared = Fold.Context.Shared(
      policies: engine, policyEpoch: epoch, settings: parts.settings, now: now, secrets: parts.secrets,
      fingerprint: parts.secrets.fingerprint)
    var outcome = BatchFold.fold(batch.inputs, batch.states, incarnation: parts.incarnation, shared: shared)
    batch.addDeadLetters(to: &outcome, incarnation: parts.incarnation, shared: shared)
    for state in batch.states.values {
      for task in state.unreadableTasks {
        outcome.alarms.append((state.id, "task \(task) is of a newer version: left to its workers"))
      }
    }
    let writes = BatchStore.writing(
      batch.states, &outcome, trivial: batch.trivialDevices, now: now, outbox: OutboxEncoder())
    return (outcome, writes)
  }

  /// Loads whole what is not trivial.
  private func load(_ batch: inout Batch, _ engine: PolicyEngine, _ transaction: Transaction) async throws {
    batch.parse(parser)
    let devices = batch.devicesToLoad
    guard !devices.isEmpty else { return }
    try BatchStore.read(try await transaction.pipeline(BatchStore.loading(devices)), into: &batch.states)
    let scope = batch.scope(engine)
    let blocks = try await transaction.pipeline([BatchStore.blocks(devices, scope)])[0]
    try BatchStore.read(blocks, into: &batch.states, scope: scope)
  }
}
