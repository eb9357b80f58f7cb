import DataModel
import Policy
import Testing

@Suite struct PolicyPlanningTests {
  private let now = TwinTests.now
  private let minute: UnixMilliseconds = 60_000

  private var device: PolicyDevice {
    var device = PolicyDevice()
    device.parameters = [
      path("Device.ManagementServer.PeriodicInformEnable"): (.boolean, "false"),
      path("Device.ManagementServer.PeriodicInformInterval"): (.unsignedInt, "86400"),
      path("Device.DeviceInfo.ProvisioningCode"): (.string, ""),
      path("Device.DeviceInfo.UpTime"): (.unsignedInt, "17"),
      path("Device.WiFi.Radio.1.Channel"): (.unsignedInt, "1"),
      path("Device.WiFi.AccessPoint.1.Security.KeyPassphrase"): (.string, "factory"),
    ]
    device.facts.root = .device
    device.facts.serialNumber = "S1"
    return device
  }

  private let base = """
    name: base
    ensure:
      ${device.root}.ManagementServer.PeriodicInformEnable: true
      ${device.root}.ManagementServer.PeriodicInformInterval: 3600
      Device.DeviceInfo.ProvisioningCode: "P-${device.serial_number}"
    """

  @Test func `provisioning is one SetParameterValues, and a second session plans nothing`() throws {
    let engine = try engine([base])
    var device = device
    let first = device.session(engine, events: ["0 BOOTSTRAP", "1 BOOT"], now: now)
    let set = PlannedRPC.setParameterValues(
      [
        value("Device.ManagementServer.PeriodicInformEnable", "1", type: "xsd:boolean"),
        value("Device.ManagementServer.PeriodicInformInterval", "3600", type: "xsd:unsignedInt"),
        value("Device.DeviceInfo.ProvisioningCode", "P-S1"),
      ], parameterKey: device.parameterKey)
    #expect(first == [set])
    #expect(device.parameterKey.utf8.count == 24)
    #expect(device.session(engine, now: now + minute).isEmpty)
    #expect(device.nextDue == nil, "the next Inform may be trivial")
    #expect(device.session(engine, events: ["0 BOOTSTRAP"], now: now + 2 * minute).count == 1, "all is forgotten then")
  }

  @Test func `what the Inform shows to hold is not set`() throws {
    var device = device
    device.parameters[path("Device.DeviceInfo.ProvisioningCode")] = (.string, "P-S1")
    device.parameters[path("Device.ManagementServer.PeriodicInformEnable")] = (.boolean, "true")
    device.informed = [
      path("Device.DeviceInfo.ProvisioningCode"), path("Device.ManagementServer.PeriodicInformEnable"),
    ]
    let sent = device.session(try engine([base]), now: now)
    #expect(sent.count == 1)
    #expect(names(sent) == ["Device.ManagementServer.PeriodicInformInterval"])
  }

  @Test func `a device that changed behind our back is set right again`() throws {
    let engine = try engine([base])
    var device = device
    device.informed = [path("Device.DeviceInfo.ProvisioningCode")]
    _ = device.session(engine, now: now)
    device.parameters[path("Device.DeviceInfo.ProvisioningCode")]?.value = "by hand"
    #expect(names(device.session(engine, now: now + minute)) == ["Device.DeviceInfo.ProvisioningCode"])
    #expect(device.parameters[path("Device.DeviceInfo.ProvisioningCode")]?.value == "P-S1")
  }

  @Test func `values go out in the type that the CPE gave, and booleans in its own manner (Q35)`() throws {
    var device = device
    device.parameters[path("Device.ManagementServer.PeriodicInformInterval")] = (.int, "86400")
    device.informed = Set(device.parameters.keys)
    let sent = device.session(try engine([base]), now: now)
    guard case .setParameterValues(let values, _) = sent.first else { throw Unexpected() }
    #expect(values.map(\.type) == [.boolean, .int, .string])
    #expect(values.map(\.value) == ["true", "3600", "P-S1"])
  }

  @Test func `the stronger policy has the parameter, the conflict is told, and agreement is none`() throws {
    let low =
      "name: a-low\npriority: 1\nensure: {Device.WiFi.Radio.1.Channel: 6, Device.DeviceInfo.ProvisioningCode: x}"
    let high = "name: z-high\npriority: 2\nensure: {Device.WiFi.Radio.1.Channel: 11}"
    let same = "name: b-same\npriority: 2\nensure: {Device.DeviceInfo.ProvisioningCode: x}"
    let engine = try engine([low, high, same])
    let session = PolicySession(facts: device.facts, events: [], maySendSecrets: true, standings: [])
    let plan = engine.plan(session, twin: Twin(), now: now, fingerprint: PolicyDevice.fingerprint)
    #expect(plan.inForce == ["b-same", "z-high", "a-low"])
    #expect(
      plan.conflicts.map { [$0.path.description, $0.winner, $0.loser] } == [
        ["Device.WiFi.Radio.1.Channel", "z-high", "a-low"]
      ])
    var device = device
    #expect(device.session(engine, now: now).count == 1)
    #expect(device.parameters[path("Device.WiFi.Radio.1.Channel")]?.value == "11")
  }

  @Test func `of equal priority the first name wins`() throws {
    let documents = ["b", "a"].map { "name: \($0)\nensure: {Device.WiFi.Radio.1.Channel: \($0 == "a" ? 1 : 2)}" }
    let session = PolicySession(facts: device.facts, events: [], maySendSecrets: true, standings: [])
    let plan = try engine(documents).plan(session, twin: Twin(), now: now, fingerprint: PolicyDevice.fingerprint)
    #expect(plan.conflicts.map(\.winner) == ["a"])
  }

  @Test func `a policy for other events rests, owns its parameters, and is not forgotten by trivial Informs`() throws {
    let strong = "name: strong\npriority: 9\non: 1 BOOT\nensure: {Device.WiFi.Radio.1.Channel: 11}"
    let periodic = "name: periodic\non: 2 PERIODIC\nensure: {Device.DeviceInfo.ProvisioningCode: p}"
    let weak = "name: weak\nensure: {Device.WiFi.Radio.1.Channel: 6}"
    let engine = try engine([strong, periodic, weak])
    var device = device
    #expect(device.session(engine, events: ["4 VALUE CHANGE"], now: now).isEmpty)
    #expect(device.nextDue == now, "the next periodic Inform has work")
    #expect(names(device.session(engine, now: now)) == ["Device.DeviceInfo.ProvisioningCode"])
    #expect(device.nextDue == nil)
    #expect(names(device.session(engine, events: ["1 BOOT"], now: now)) == ["Device.WiFi.Radio.1.Channel"])
  }

  @Test func `what is stale is read once, before what is set, and tells when it is due again`() throws {
    let watch = """
      name: watch
      refresh:
        - {path: Device.DeviceInfo., max_age: 1h}
        - {path: Device.DeviceInfo.UpTime, max_age: 30m}
        - {path: Device.WiFi.Radio.1.Channel, max_age: 1d}
      """
    let engine = try engine([watch, base])
    var device = device
    let sent = device.session(engine, now: now)
    #expect(sent.first == .getParameterValues([path("Device.DeviceInfo."), path("Device.WiFi.Radio.1.Channel")]))
    #expect(sent.count == 2)
    #expect(device.nextDue == now + 30 * minute)
    #expect(device.session(engine, now: now + 29 * minute).isEmpty)
    #expect(
      device.session(engine, now: now + 30 * minute) == [.getParameterValues([path("Device.DeviceInfo.UpTime")])])
    #expect(device.session(engine, now: now + 60 * minute).first == .getParameterValues([path("Device.DeviceInfo.")]))
  }

  @Test func `a value that an Inform brought is fresh`() throws {
    let watch = "name: w\nrefresh: [{path: Device.DeviceInfo.UpTime, max_age: 30m}]"
    var device = device
    device.informed = [path("Device.DeviceInfo.UpTime")]
    let engine = try engine([watch])
    #expect(device.session(engine, now: now).isEmpty)
    #expect(device.session(engine, now: now + 45 * minute).isEmpty)
    #expect(device.nextDue == now + 75 * minute)
  }

  @Test func `a parameter that a refresh reads anyway is not set before it is known`() throws {
    let watch = "name: w\nrefresh: [{path: Device.DeviceInfo., max_age: 30m}]"
    let code = "name: c\nensure: {Device.DeviceInfo.ProvisioningCode: ''}"
    var device = device
    #expect(device.session(try engine([watch, code]), now: now).count == 1, "it holds already")
  }

  @Test func `many names are read in batches (item 128), many values set in several`() throws {
    var limits = PolicyLimits()
    limits.readBatch = 10
    limits.setBatch = 7
    var device = PolicyDevice()
    device.facts.root = .device
    for number in 0..<25 { device.parameters[path("Device.T.\(number).P")] = (.string, "x") }
    let lines = (0..<25).map { "  Device.T.\($0).P: y\n" }.joined()
    let refreshes = (0..<25).map { "  - {path: Device.T.\($0).P, max_age: 1d}\n" }.joined()
    let sent = device.session(
      try engine(["name: a\nensure:\n\(lines)refresh:\n\(refreshes)"], limits: limits), now: now)
    #expect(sent.count == 3 + 4)
    #expect(device.parameters.values.allSatisfy { $0.value == "y" })
  }

  @Test func `a secret is set once, and again only when the policy wants another`() throws {
    let document = { (key: String) in
      "name: k\nensure: {Device.WiFi.AccessPoint.1.Security.KeyPassphrase: \(key)}\n"
        + "refresh: [{path: Device.WiFi., max_age: 1h}]"
    }
    let engine = try engine([document("one")])
    var device = device
    #expect(device.session(engine, now: now).count == 2)
    #expect(device.session(engine, now: now + 120 * minute).count == 1, "read back as empty, still held to be set")
    let other = try self.engine([document("two")])
    #expect(
      names(device.session(other, now: now + 121 * minute)) == ["Device.WiFi.AccessPoint.1.Security.KeyPassphrase"])
  }

  @Test func `a device without its own credential is sent no secret, and is looked at again`() throws {
    let engine = try engine([
      "name: k\nensure: {Device.WiFi.AccessPoint.1.Security.KeyPassphrase: one, Device.WiFi.Radio.1.Channel: 6}"
    ])
    var device = device
    device.maySendSecrets = false
    #expect(names(device.session(engine, now: now)) == ["Device.WiFi.Radio.1.Channel"])
    #expect(device.nextDue == now)
    device.maySendSecrets = true
    #expect(names(device.session(engine, now: now)) == ["Device.WiFi.AccessPoint.1.Security.KeyPassphrase"])
    #expect(device.nextDue == nil)
  }

  @Test func `the parameter key tells the policies and their versions, in any order of theirs (item 134)`() throws {
    let other = "name: other\nensure: {Device.WiFi.Radio.1.Channel: 6}"
    func key(_ documents: [String], version: Int = 1) throws -> String {
      var device = device
      _ = device.session(try engine(documents, version: version), now: now)
      return device.parameterKey
    }
    #expect(try key([base, other]) == key([other, base]))
    #expect(try key([base, other]) != key([base]))
    #expect(try key([base], version: 2) != key([base]))
    #expect(try key([base]).allSatisfy(\.isHexDigit))
  }

  @Test func `the engine says which blocks it reads, and of what is not loaded it plans nothing`() throws {
    let engine = try engine([base, "name: w\nrefresh: [{path: Device.IP.Interface., max_age: 1h}]"])
    let scope = engine.scope(for: device.facts)
    #expect(
      scope.keys == ["Device.", "Device.ManagementServer.", "Device.DeviceInfo.", "Device.IP.", "Device.IP.Interface."])
    let session = PolicySession(facts: device.facts, events: [], maySendSecrets: true, standings: [])
    let loaded = Twin(stored: [], scope: scope)
    let plan = engine.plan(session, twin: loaded, now: now, fingerprint: PolicyDevice.fingerprint)
    #expect(plan.notLoaded.isEmpty && plan.rpcs.count == 2)
    let bare = Twin(stored: [], scope: TwinScope())
    let nothing = engine.plan(session, twin: bare, now: now, fingerprint: PolicyDevice.fingerprint)
    #expect(nothing.notLoaded.count == 4 && nothing.rpcs.isEmpty && nothing.nextDue == now)
  }

  @Test func `the bound on steps ends an evaluation and says so`() throws {
    var limits = PolicyLimits()
    limits.steps = 6
    let session = PolicySession(facts: device.facts, events: [], maySendSecrets: true, standings: [])
    let plan = try engine([base, "name: c\nensure: {Device.A.B: 1, Device.A.C: 1}"], limits: limits)
      .plan(session, twin: Twin(), now: now, fingerprint: PolicyDevice.fingerprint)
    #expect(plan.isCutShort)
    #expect(plan.inForce == ["base"])
  }

  private func engine(_ documents: [String], version: Int = 1, limits: PolicyLimits = PolicyLimits()) throws
    -> PolicyEngine
  {
    try UnitTests.engine(documents, version: version, limits: limits)
  }
}

/// The names of the parameters in all SetParameterValues.
func names(_ sent: [PlannedRPC]) -> [String] {
  sent.flatMap { rpc in
    guard case .setParameterValues(let values, _) = rpc else { return [String]() }
    return values.map(\.path.text)
  }
}
