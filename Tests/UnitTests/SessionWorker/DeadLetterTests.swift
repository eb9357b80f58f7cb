import Cryptography
import EventLog
import Testing

@testable import SessionWorker

@Suite struct DeadLetterTests {
  private let start = ContinuousClock.now

  /// A batch in which each of these devices has one record that crashed its reader.
  private func letters(_ devices: Range<UInt64>, part: Int32 = 0) -> [Batch] {
    devices.map { number in
      let key = Array(UUID128(high: 1, low: number).description.utf8)
      let record = LogRecord(
        partition: Partition(.messages, part), offset: Int64(number), timestamp: 0, key: key, headers: RecordHeaders(),
        value: [])
      return Batch(unread: record, "it crashed")
    }
  }

  @Test func `of a record that crashed its reader only the key is read: whose session ends (P7)`() throws {
    let batch = try #require(letters(7..<8).first)
    #expect(batch.deadLetters.map(\.device) == [UUID128(high: 1, low: 7)])
    #expect(batch.devicesToLoad == [UUID128(high: 1, low: 7)])
    #expect(batch.inputs.isEmpty)
    let nameless = LogRecord(
      partition: Partition(.messages, 0), offset: 0, timestamp: 0, key: [1], headers: RecordHeaders(), value: [])
    #expect(Batch(unread: nameless, "it crashed").devicesToLoad.isEmpty)
  }

  @Test
  func `dead letters of twenty devices that are most of a minute's records stop their partition, until a restart`()
    throws
  {
    var brake = DeadLetterBrake()
    for batch in letters(0..<19) { try brake.take(batch, at: start) }
    let batch = try #require(letters(20..<21).first)
    #expect(throws: TooManyDeadLetters.self) { try brake.take(batch, at: start) }
    #expect(throws: TooManyDeadLetters.self) { try brake.take(batch, at: start + .seconds(600)) }
    for batch in letters(0..<19, part: 1) { try brake.take(batch, at: start) }
  }

  @Test func `of devices that have the shared credential only anybody can invent twenty: they stop nothing`() throws {
    let keyring = ClusterKeyring(try ClusterSecret(bytes: [UInt8](repeating: 7, count: 32)))
    let seal = RecordSeal(keyring, sealer: LogSealer(keyring, instance: .zero))
    for (authentication, stops) in [(CPEMessage.Authentication.bootstrap, false), (.own, true)] {
      var brake = DeadLetterBrake()
      var stopped = false
      for number in UInt64(0)..<30 {
        var message = CPEMessage(.inform, device: UUID128(high: 1, low: number), session: .zero)
        message.authentication = authentication
        let record = message.record(in: PartitionRanges(count: 1), at: 0, seal: seal)
        var batch = Batch(
          [
            LogRecord(
              partition: record.partition, offset: Int64(number), timestamp: 0, key: record.key,
              headers: record.headers, value: record.value)
          ], opening: seal)
        batch.condemnAll("PostgreSQL refused it")
        stopped = (try? brake.take(batch, at: start)) == nil || stopped
      }
      #expect(stopped == stops, "\(authentication)")
    }
  }

  @Test func `the same few devices' dead letters, and those of past minutes, stop nothing`() throws {
    var brake = DeadLetterBrake()
    for _ in 0..<50 { for batch in letters(0..<5) { try brake.take(batch, at: start) } }
    for (minute, batch) in letters(10..<60).enumerated() {
      try brake.take(batch, at: start + .seconds(10 * (minute + 7)))
    }
  }

  @Test func `a range of records is written as it is read`() {
    #expect(ProbeRange("3:100:256") == ProbeRange(partition: 3, first: 100, end: 256))
    #expect(ProbeRange(partition: 3, first: 100, end: 256).description == "3:100:256")
    for text in ["", "3:100", "3:100:100", "-1:1:2", "3:a:9", "3:1:2:3"] { #expect(ProbeRange(text) == nil) }
  }
}
