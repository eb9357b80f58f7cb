import Cryptography
import EventLog
import Fleet
import Policy
import Testing

@testable import SessionWorker

@Suite("What events tell")
struct EventDataTests {
  private let long = [UInt8](repeating: UInt8(ascii: " "), count: EventData.longestPart) + Array("{}".utf8)

  @Test func `a device's event leaves out what is too long for it, and says so`() {
    func data(_ extra: [UInt8]) -> String {
      let data = EventData.device(
        identity: "a-b-c", session: .zero, events: [], softwareVersion: "", extra: extra)
      return String(decoding: data, as: UTF8.self)
    }
    #expect(data(Array(#""parameters":{}"#.utf8)).hasSuffix(#","parameters":{}}"#))
    #expect(data(long).hasSuffix(#","omitted":"values"}"#))
  }

  @Test func `a task's event leaves out a result that is too long: the API has it`() {
    var task = RPCTask(
      id: .zero, device: .zero, request: .reboot, once: true, origin: .api, createdAt: 0, deadline: 0)
    func data() -> String { String(decoding: EventData.task(task, .succeeded, identity: "a-b-c"), as: UTF8.self) }
    task.result = Array(#"{"status":0}"#.utf8)
    #expect(data().contains(#""result":{"status":0}"#))
    task.result = long
    #expect(data().contains(#""omitted":"result""#) && data().utf8.count < 1000)
  }

  @Test func `the dead letter of a very large record says where it stands instead of holding it`() throws {
    let record = LogRecord(
      partition: Partition(.messages, 3), offset: 7, timestamp: 0, key: Array(UUID128.zero.description.utf8),
      headers: RecordHeaders(), value: [UInt8](repeating: 0, count: 12 << 20))
    var outcome = BatchFold.Outcome(states: [:])
    let keyring = ClusterKeyring(try ClusterSecret(bytes: [UInt8](repeating: 7, count: 32)))
    let shared = Fold.Context.Shared(
      policies: .init(policies: []) { _ in [] }, policyEpoch: 0, settings: FoldSettings(), now: 0,
      secrets: SealedSecrets(keyring), fingerprint: SealedSecrets(keyring).fingerprint)
    Batch(unread: record, "it crashed").addDeadLetters(to: &outcome, incarnation: .zero, shared: shared)
    let data = outcome.events.map { String(decoding: $0.event.data, as: UTF8.self) }
    #expect(data.first?.contains(#""partition":3,"offset":7"#) == true)
    #expect(data.first?.contains(#""omitted":"value""#) == true)
  }
}
