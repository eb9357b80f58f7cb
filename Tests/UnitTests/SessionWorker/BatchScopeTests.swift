import Cryptography
import DataModel
import EventLog
import Fleet
import Policy
import Testing
import XML

@testable import CWMP
@testable import SessionWorker

@Suite("What a batch loads of its devices' twins")
struct BatchScopeTests {
  private let device = UUID128(high: 1, low: 1)

  /// The scope of a batch with one message of a device that has one task.
  private func scope(_ request: TaskRequest, _ state: RPCTask.State, body: String = "") throws -> TwinScope {
    let keyring = ClusterKeyring(try ClusterSecret(bytes: [UInt8](repeating: 7, count: 32)))
    let seal = RecordSeal(keyring, sealer: LogSealer(keyring, instance: .zero))
    var message = CPEMessage(
      body.isEmpty ? .ready : .response, device: device, session: UUID128(high: 2, low: 2),
      post: PostID(instance: .zero, counter: 1))
    message.body = Array(
      """
      <s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:c="urn:dslforum-org:cwmp-1-2">
      <s:Body>\(body)</s:Body></s:Envelope>
      """.utf8)
    if body.isEmpty { message.body = [] }
    let record = message.record(in: PartitionRanges(count: 1), at: 0, seal: seal)
    var batch = Batch(
      [
        LogRecord(
          partition: record.partition, offset: 0, timestamp: 0, key: record.key, headers: record.headers,
          value: record.value)
      ], opening: seal)
    batch.parse(EnvelopeParser())
    #expect(batch.deadLetters.isEmpty)
    var task = RPCTask(
      id: UUID128(high: 3, low: 3), device: device, request: request, once: false, origin: .api, createdAt: 0,
      deadline: 1)
    task.state = state
    batch.states[device]?.tasks = [task]
    return batch.scope(PolicyEngine(policies: []) { _ in [] })
  }

  @Test func `of a setting without a type its parameter, for the type that the twin knows (item 45)`() throws {
    let request = TaskRequest.setParameterValues([.init(name: "Device.WiFi.Radio.1.Channel", value: "6")])
    let scope = try scope(request, .queued)
    #expect(scope.keys.contains("Device.WiFi.Radio.1."))
    #expect(!scope.isEverything)
  }

  @Test func `of what was sent all that its answer may change, of what waits nothing yet`() throws {
    let request = TaskRequest.getParameterValues(names: ["Device.WiFi.", "Device.Time.NTPServer1"])
    #expect(try scope(request, .queued).isEmpty)
    let scope = try scope(request, .dispatched)
    #expect(scope.subtrees == ["Device.WiFi."])
    #expect(scope.keys.isSuperset(of: ["Device.WiFi.", "Device.Time."]))
    #expect(try self.scope(.getParameterNames(path: "Device.", nextLevel: true), .dispatched).subtrees == ["Device."])
    let table = "Device.NAT.PortMapping."
    #expect(try self.scope(.addObject(path: table), .inDoubt).subtrees == [table])
  }

  @Test func `what an answer names and nobody asked for (item 127)`() throws {
    let scope = try scope(
      .getParameterValues(names: ["Device.Time."]), .dispatched,
      body: """
        <c:GetParameterValuesResponse><ParameterList>
        <ParameterValueStruct><Name>Device.Time.NTPServer1</Name><Value>a</Value></ParameterValueStruct>
        <ParameterValueStruct><Name>Device.Time.NTPServer2</Name><Value>b</Value></ParameterValueStruct>
        <ParameterValueStruct><Name>Device.IP.Interface.1.Enable</Name><Value>1</Value></ParameterValueStruct>
        </ParameterList></c:GetParameterValuesResponse>
        """)
    #expect(scope.keys.contains("Device.IP.Interface.1."))
    #expect(!scope.isEverything)
  }
}
