import Cryptography
import EventLog
import Testing

@testable import SessionWorker

@Suite("Records of before a restore")
struct RestoredBatchTests {
  @Test("are folded and never answered, whatever the clock of then said", arguments: [Int32(0), 7])
  func notAnswered(count: Int32) throws {
    let keyring = ClusterKeyring(try ClusterSecret(bytes: [UInt8](repeating: 7, count: 32)))
    let seal = RecordSeal(keyring, sealer: LogSealer(keyring, instance: .zero))
    let device = UUID128(high: 1, low: 1)
    let records = [Int32(7), 0, 9].enumerated().map { offset, count in
      var message = CPEMessage(
        .ready, device: device, session: UUID128(high: 2, low: 2), post: PostID(instance: .zero, counter: 1))
      message.answerBy = 5_000_000
      message.restoreCount = count
      let record = message.record(in: PartitionRanges(count: 1), at: 0, seal: seal)
      return LogRecord(
        partition: record.partition, offset: Int64(offset), timestamp: 0, key: record.key, headers: record.headers,
        value: record.value)
    }
    var batch = Batch(records, opening: seal)
    batch.classify([:], policyEpoch: 1, restoreCount: count, now: 0)
    let answered = batch.inputs.map { $0.message.answerBy > 0 }
    #expect(answered == [7, 0, 9].map { $0 == count })
  }
}
