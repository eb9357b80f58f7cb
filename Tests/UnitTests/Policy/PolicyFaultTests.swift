import DataModel
import Policy
import Testing

@Suite struct PolicyFaultTests {
  private let now = TwinTests.now
  private let minute: UnixMilliseconds = 60_000

  private var device: PolicyDevice {
    var device = PolicyDevice()
    device.facts.root = .device
    for name in ["A", "B", "C"] { device.parameters[path("Device.X.\(name)")] = (.string, "old") }
    return device
  }

  private let documents = ["A", "B", "C"].map { "name: \($0.lowercased())\nensure: {Device.X.\($0): new}" }

  @Test func `the policy whose parameter the CPE names backs off, the others go on (items 130, 132)`() throws {
    let engine = try engine(documents)
    var device = device
    device.refused = [path("Device.X.B")]
    let sent = device.session(engine, now: now)
    #expect(names(sent) == ["Device.X.A", "Device.X.B", "Device.X.C", "Device.X.A", "Device.X.C"])
    #expect(
      device.standings == [
        PolicyStanding(
          policy: "b", version: 1, failures: 1, retryAt: now + 5 * minute, cause: .fault(code: 9007, text: "refused"),
          path: path("Device.X.B"))
      ])
    #expect(device.nextDue == now + 5 * minute)
  }

  @Test func `a fault that names nothing is found by sending each policy alone (Q40)`() throws {
    let engine = try engine(documents)
    var device = device
    device.refused = [path("Device.X.B")]
    device.namesFaults = false
    #expect(device.session(engine, now: now).count == 1 + 3)
    #expect(device.standings.map(\.policy) == ["b"])
    #expect(device.parameters[path("Device.X.C")]?.value == "new")
  }

  @Test func `the wait doubles up to a day, reads before it tries again, and ends with success`() throws {
    let engine = try engine(documents)
    var device = device
    device.refused = [path("Device.X.B")]
    var moment = now
    var waits: [UnixMilliseconds] = []
    for _ in 0..<11 {
      _ = device.session(engine, now: moment)
      let retryAt = try #require(device.standings.first?.retryAt)
      #expect(device.session(engine, now: retryAt - 1).isEmpty, "held back")
      waits.append((retryAt - moment) / minute)
      moment = retryAt
    }
    #expect(waits == [5, 10, 20, 40, 80, 160, 320, 640, 1_280, 1_440, 1_440])
    device.refused = []
    #expect(names(device.session(engine, now: moment)) == ["Device.X.B"])
    #expect(device.standings.isEmpty)
    #expect(device.nextDue == nil)
  }

  @Test func `before a second try the value and type are read`() throws {
    let engine = try engine(["name: t\nensure: {Device.X.A: 5}"])
    var device = device
    device.parameters[path("Device.X.A")] = (.int, "4")
    device.refused = [path("Device.X.A")]
    _ = device.session(engine, now: now)
    device.refused = []
    let sent = device.session(engine, now: now + 5 * minute)
    #expect(sent.first == .getParameterValues([path("Device.X.A")]))
    #expect(
      sent.dropFirst().first
        == .setParameterValues([value("Device.X.A", "5", type: "xsd:int")], parameterKey: device.parameterKey))
  }

  @Test func `a new version starts afresh`() throws {
    var device = device
    device.refused = [path("Device.X.B")]
    _ = device.session(try engine(documents), now: now)
    device.refused = []
    #expect(names(device.session(try engine(documents, version: 2), now: now + 1)) == ["Device.X.B"])
    #expect(device.standings.isEmpty)
  }

  @Test func `a policy that is held back keeps its parameters from weaker ones`() throws {
    let engine = try engine([
      "name: strong\npriority: 2\nensure: {Device.X.A: strong, Device.X.B: new}",
      "name: weak\nensure: {Device.X.A: weak}",
    ])
    var device = device
    device.refused = [path("Device.X.B")]
    _ = device.session(engine, now: now)
    #expect(device.parameters[path("Device.X.A")]?.value == "old")
  }

  @Test func `a fault's text about a secret is not kept, and no text is kept whole`() throws {
    let engine = try engine(["name: s\nensure: {Device.X.Password: hush}"])
    var session = PolicySession(facts: device.facts, events: [], maySendSecrets: true, standings: [])
    var twin = Twin()
    let rpc = PlannedRPC.setParameterValues([value("Device.X.Password", "hush")], parameterKey: "")
    let detail = PlannedFault.Detail(path: path("Device.X.Password"), code: 9007, text: "hush is too short")
    engine.faulted(
      rpc, fault: PlannedFault(code: 9003, text: "hush", details: [detail]), session: &session, twin: &twin, now: now)
    #expect(session.standings.map(\.cause) == [.fault(code: 9007, text: "")])
    engine.faulted(rpc, fault: PlannedFault(code: 9002, text: "hush"), session: &session, twin: &twin, now: now)
    #expect(session.standings.map(\.cause) == [.fault(code: 9002, text: "")])
    let long = try self.engine(["name: s\nensure: {Device.X.A: v}"])
    let other = PlannedRPC.setParameterValues([value("Device.X.A", "v")], parameterKey: "")
    let text = String(repeating: "x", count: 5_000)
    long.faulted(other, fault: PlannedFault(code: 9002, text: text), session: &session, twin: &twin, now: now)
    #expect(session.standings.map(\.cause) == [.fault(code: 9002, text: String(text.prefix(256)))])
  }

  @Test func `a value that is accepted and not kept is set three times, then once after each wait (Q42)`() throws {
    let engine = try engine(documents)
    var device = device
    device.informed = [path("Device.X.A")]
    device.forgotten = device.informed
    var moment = now
    for _ in 0..<3 {
      #expect(names(device.session(engine, now: moment)).contains("Device.X.A"))
      moment += minute
    }
    #expect(device.session(engine, now: moment).isEmpty)
    #expect(device.standings.map(\.cause) == [.notKept])
    for _ in 0..<4 {
      let before = try #require(device.standings.first)
      #expect(names(device.session(engine, now: before.retryAt)) == ["Device.X.A"])
      #expect(device.session(engine, now: before.retryAt + 1).isEmpty)
      #expect(device.standings.first?.failures == before.failures + 1)
    }
    device.forgotten = []
    let last = try #require(device.standings.first)
    #expect(device.session(engine, now: last.retryAt).count == 1)
    #expect(device.session(engine, now: last.retryAt + 1).isEmpty)
    #expect(device.standings.isEmpty, "a report agreed")
  }

  @Test func `the one bad name of a batch is found by halving and forgotten until it is due again (items 128, 129)`()
    throws
  {
    var device = PolicyDevice()
    device.facts.root = .device
    device.faultsMissing = true
    for number in 0..<64 where number != 37 { device.parameters[path("Device.T.P\(number)")] = (.string, "x") }
    let refreshes = (0..<64).map { "  - {path: Device.T.P\($0), max_age: 1h}\n" }.joined()
    let engine = try engine(["name: r\nrefresh:\n\(refreshes)", "name: e\nensure: {Device.T.P3: y}"])
    let sent = device.session(engine, now: now)
    #expect(sent.count <= 15)
    #expect(names(sent) == ["Device.T.P3"], "a bad name does not keep others from being set")
    #expect(device.twin.text(path("Device.T.P63")) == "x")
    #expect(device.session(engine, now: now + 59 * minute).isEmpty)
    #expect(device.standings.isEmpty)
    #expect(device.nextDue == now + 60 * minute)
  }

  @Test func `a name that the CPE leaves out is asked once a max_age (Q38)`() throws {
    var device = device
    let engine = try engine([
      "name: r\nrefresh: [{path: Device.Gone, max_age: 1h}, {path: Device.No.Such., max_age: 1h}]"
    ])
    #expect(device.session(engine, now: now).count == 1)
    #expect(device.session(engine, now: now + minute).isEmpty)
    #expect(device.session(engine, now: now + 60 * minute).count == 1)
  }

  private func engine(_ documents: [String], version: Int = 1) throws -> PolicyEngine {
    try UnitTests.engine(documents, version: version)
  }
}
