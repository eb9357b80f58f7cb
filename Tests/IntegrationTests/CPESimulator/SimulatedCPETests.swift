import CPESimulator
import CWMP
import HTTP
import Networking
import Testing

/// A scripted ACS and a fleet, on loops of their own.
private struct Fixture: Sendable {
  let acsLoop: EventLoop
  let cpeLoop: EventLoop
  let acs: LoopBound<ScriptedACS>
  let server: LoopBound<HTTPServer>
  let fleet: Fleet

  init(
    count: Int = 1, _ script: @escaping @Sendable (ScriptedACS) -> Void = { _ in },
    _ adjust: (inout FleetSettings) -> Void = { _ in }
  ) async throws {
    let acsLoop = try EventLoop(name: "acs")
    let address: SocketAddress
    (address, acs, server) = try await acsLoop.run {
      let acs = ScriptedACS()
      script(acs)
      let server = HTTPServer(loop: acsLoop, service: acs)
      let listener = try server.listen(on: SocketAddress(ip: .loopback, port: 0))
      return (listener.address, LoopBound(acs, on: acsLoop), LoopBound(server, on: acsLoop))
    }
    self.acsLoop = acsLoop
    cpeLoop = try EventLoop(name: "cpes")
    var settings = FleetSettings(url: "http://\(address)/acs", count: count)
    settings.models = [.tr181]
    settings.bootstrap = ACSCredentials(username: "bootstrap", password: "first")
    settings.bootDelay = .milliseconds(5)
    settings.keptReports = 8
    settings.callback = SocketAddress(ip: .loopback, port: 0)
    adjust(&settings)
    fleet = try await Fleet(settings, loops: [cpeLoop])
  }

  func heard() async throws -> ScriptedACS.Heard { try await acsLoop.run { [acs] in HeardBox(acs.value.heard) }.heard }

  func tell(_ body: @escaping @Sendable (ScriptedACS) -> Void) async throws {
    try await acsLoop.run { [acs] in body(acs.value) }
  }

  func close() async throws {
    try await fleet.stop()
    try await acsLoop.run { [server] in server.value.close() }
    await cpeLoop.shutdown()
    await acsLoop.shutdown()
  }

  private struct HeardBox: Sendable {
    let heard: ScriptedACS.Heard
    init(_ heard: ScriptedACS.Heard) { self.heard = heard }
  }
}

private func informs(_ heard: ScriptedACS.Heard) -> [Inform] {
  heard.messages.compactMap { message in
    if case .inform(let inform) = message { inform } else { nil }
  }
}

@Suite("A simulated CPE against a scripted ACS", .timeLimit(.minutes(1)))
struct SimulatedCPETests {
  @Test("informs with its forced parameters, sends an empty POST, and is done at 204 (items 59, 63, 96)")
  func trivialSession() async throws {
    let fixture = try await Fixture()
    let report = try await fixture.fleet.session(of: 0, events: [EventStruct(.bootstrap), EventStruct(.boot)])
    #expect(report.end == .completed)
    #expect(report.acknowledgedAt != nil)
    #expect(report.posts == 2)
    let heard = try await fixture.heard()
    let inform = try #require(informs(heard).first)
    #expect(inform.deviceID.canonicalIdentity == "00D09E-Carillon-00000001")
    #expect(inform.events.map(\.code) == [.bootstrap, .boot])
    #expect(inform.parameters.count == 25)
    #expect(inform.parameters.value(of: "Device.DeviceInfo.SoftwareVersion") == "1.0.0")
    #expect(
      inform.parameters.value(of: "Device.ManagementServer.ConnectionRequestURL")?.hasPrefix("http://127") == true)
    #expect(heard.emptyPosts == 1)
    #expect(heard.cookies == [nil, "session=abc"])
    try await fixture.close()
  }

  @Test("carries out RPCs in turn, and its values stick")
  func rpcs() async throws {
    let path = "Device.DeviceInfo.ProvisioningCode"
    let fixture = try await Fixture(count: 1) { acs in
      acs.scripts = [
        [
          .setParameterValues([ParameterValue(path, "gold")], parameterKey: "k1"),
          .getParameterValues(names: [path, "Device.ManagementServer.ParameterKey"]),
          .addObject(path: "Device.NAT.PortMapping.", parameterKey: "k2"),
          .getParameterNames(path: "Device.NAT.PortMapping.", nextLevel: true),
          .setParameterValues([ParameterValue("Device.DeviceInfo.UpTime", "1", type: .unsignedInt)], parameterKey: ""),
        ]
      ]
    }
    let report = try await fixture.fleet.session(of: 0)
    #expect(report.end == .completed)
    #expect(report.rpcs.map(\.fault) == [0, 0, 0, 0, 9003])
    #expect(report.rpcs[0].values == [path: "gold"])
    #expect(try await fixture.fleet.value(path, of: 0) == "gold")
    let responses = try await fixture.heard().messages.dropFirst()
    #expect(
      responses.dropFirst().first
        == .cpeResponse(
          .getParameterValues([
            ParameterValue(path, "gold"), ParameterValue("Device.ManagementServer.ParameterKey", "k1"),
          ])))
    guard case .fault(let fault)? = responses.last else {
      Issue.record("no fault")
      return
    }
    #expect(fault.parameters.map(\.code) == [9008])
    try await fixture.close()
  }

  @Test("takes new credentials into use with its next session (item 113)")
  func credentials() async throws {
    let fixture = try await Fixture { acs in
      acs.demand = .digest(user: "bootstrap", password: "first")
      acs.scripts = [
        [
          .setParameterValues(
            [
              ParameterValue("Device.ManagementServer.Username", "own"),
              ParameterValue("Device.ManagementServer.Password", "second"),
            ], parameterKey: "")
        ]
      ]
    }
    // The credentials change within this session, which goes on under the old ones.
    #expect(try await fixture.fleet.session(of: 0).end == .completed)
    try await fixture.tell { $0.demand = .basic(user: "own", password: "second") }
    #expect(try await fixture.fleet.session(of: 0).end == .completed)
    #expect(try await fixture.heard().usernames.last == "own")
    try await fixture.close()
  }

  @Test("reboots after the session, and tells with 1 BOOT and M Reboot (item 167)")
  func reboot() async throws {
    let fixture = try await Fixture { acs in acs.scripts = [[.reboot(commandKey: "key-1")]] }
    let first = try await fixture.fleet.session(of: 0)
    #expect(first.end == .completed)
    let next = try await fixture.fleet.session(of: 0, after: first)
    #expect(next.events == [EventStruct(.boot), EventStruct(.reboot, commandKey: "key-1")])
    try await fixture.close()
  }

  @Test("forgets its credentials at a factory reset, and begins with 0 BOOTSTRAP (items 114, 167)")
  func factoryReset() async throws {
    let fixture = try await Fixture { acs in
      let password = ParameterValue("Device.ManagementServer.Password", "own")
      acs.scripts = [[.setParameterValues([password], parameterKey: ""), .factoryReset]]
    }
    let first = try await fixture.fleet.session(of: 0)
    #expect(
      try await fixture.fleet.session(of: 0, after: first).events == [EventStruct(.bootstrap), EventStruct(.boot)])
    #expect(try await fixture.fleet.value("Device.ManagementServer.Password", of: 0) == "first")
    try await fixture.close()
  }

  @Test("fetches firmware, boots, and tells with TransferComplete in a later session (items 149, 150, 155)")
  func download() async throws {
    let fixture = try await Fixture()
    let base = fixture.fleet.settings.url.replacing("/acs", with: "")
    try await fixture.tell { acs in
      acs.files["/gateway-2.1.0.bin"] = Array(repeating: 7, count: 100_000)
      let arguments = DownloadArguments(
        commandKey: "fw", fileType: "1 Firmware Upgrade Image", url: "\(base)/gateway-2.1.0.bin", fileSize: 100_000)
      acs.scripts = [[.download(arguments)]]
    }
    let first = try await fixture.fleet.session(of: 0)
    #expect(first.end == .completed)
    let next = try await fixture.fleet.session(of: 0, after: first)
    #expect(next.end == .completed)
    #expect(
      Set(next.events) == [
        EventStruct(.boot), EventStruct(.transferComplete), EventStruct(.download, commandKey: "fw"),
        EventStruct(.valueChange),
      ])
    let heard = try await fixture.heard()
    let transfer = heard.messages.compactMap { message -> TransferComplete? in
      if case .cpeRequest(.transferComplete(let transfer)) = message { transfer } else { nil }
    }.first
    #expect(transfer?.commandKey == "fw")
    #expect(transfer?.fault == .success)
    #expect(informs(heard).last?.parameters.value(of: "Device.DeviceInfo.SoftwareVersion") == "2.1.0")
    try await fixture.close()
  }

  @Test("tells a download that cannot be had with fault 9016, one of the wrong length with 9018")
  func downloadFails() async throws {
    let fixture = try await Fixture()
    let base = fixture.fleet.settings.url.replacing("/acs", with: "")
    for (path, code) in [("/missing", 9016), ("/short", 9018)] {
      try await fixture.tell { acs in
        acs.files["/short"] = [1, 2, 3]
        let arguments = DownloadArguments(
          commandKey: path, fileType: "3 Vendor Configuration File", url: base + path, fileSize: 4)
        acs.scripts = [[.download(arguments)]]
      }
      let first = try await fixture.fleet.session(of: 0)
      _ = try await fixture.fleet.session(of: 0, after: first)
      guard case .cpeRequest(.transferComplete(let transfer))? = try await fixture.heard().messages.last else {
        Issue.record("no TransferComplete")
        return
      }
      #expect(transfer.fault.code == code)
    }
    try await fixture.close()
  }

  @Test(
    "answers a connection request with Digest by a session with 6 CONNECTION REQUEST (items 177-181)"
  )
  func connectionRequest() async throws {
    let fixture = try await Fixture { acs in
      acs.scripts = [
        [
          .setParameterValues(
            [
              ParameterValue("Device.ManagementServer.ConnectionRequestUsername", "acs"),
              ParameterValue("Device.ManagementServer.ConnectionRequestPassword", "ring"),
            ], parameterKey: "")
        ]
      ]
    }
    let first = try await fixture.fleet.session(of: 0)
    #expect(first.end == .completed)
    let url = try #require(try await fixture.fleet.value("Device.ManagementServer.ConnectionRequestURL", of: 0))
    let client = try HTTPClient(loop: fixture.acsLoop)
    var request = HTTPClientRequest(url: url)
    request.credentials = .init(user: "acs", password: "wrong", usesDigest: true)
    #expect(try await client.execute(request).status == .unauthorized)
    request.credentials = .init(user: "acs", password: "ring", usesDigest: true)
    #expect(try await client.execute(request).status == .ok)
    #expect(try await fixture.fleet.session(of: 0, after: first).events == [EventStruct(.connectionRequest)])
    await client.shutdown()
    try await fixture.close()
  }

  @Test("tries a failed session again with a higher RetryCount and without 6 CONNECTION REQUEST (tables 2.4 and 2.5)")
  func retries() async throws {
    let fixture = try await Fixture { acs in
      acs.refusals = [.serviceUnavailable, .serviceUnavailable]
    } _: { settings in
      settings.pace = .living(bootSeconds: 0)
      settings.retry = RetryPolicy(minimumWaitMilliseconds: 2)
    }
    try await fixture.fleet.start()
    let first = try await fixture.fleet.session(of: 0, after: nil)
    #expect(first.end == .refused(status: 503, retryAfter: nil))
    let second = try await fixture.fleet.session(of: 0, after: first)
    #expect(second.end == .refused(status: 503, retryAfter: nil))
    let report = try await fixture.fleet.session(of: 0, after: second)
    #expect(report.end == .completed)
    #expect(report.retryCount == 2)
    #expect(report.events == [EventStruct(.bootstrap), EventStruct(.boot)])
    try await fixture.close()
  }

  @Test("tells a change of a value that the ACS watches at once, by 4 VALUE CHANGE")
  func valueChange() async throws {
    let path = "Device.WiFi.SSID.1.SSID"
    let fixture = try await Fixture { acs in
      acs.scripts = [[.setParameterAttributes([AttributeChange(path, notification: 2)])]]
    }
    let first = try await fixture.fleet.session(of: 0)
    try await fixture.fleet.change(path, to: "Home", of: 0)
    #expect(try await fixture.fleet.session(of: 0, after: first).events == [EventStruct(.valueChange)])
    #expect(informs(try await fixture.heard()).last?.parameters.value(of: path) == "Home")
    try await fixture.close()
  }

  @Test(
    "misbehaves as told: cookies, connections",
    arguments: [
      (Misbehaviours.returnsNoCookie, [nil, nil]), (.echoesCookieAttributes, [nil, "session=abc; Path=/"]),
      (.reconnectsAlways, [nil, "session=abc"]),
    ])
  func misbehaves(_ kind: Misbehaviours, _ cookies: [String?]) async throws {
    let fixture = try await Fixture()
    try await fixture.fleet.setMisbehaviours(kind, of: 0)
    #expect(try await fixture.fleet.session(of: 0).end == .completed)
    #expect(try await fixture.heard().cookies == cookies)
    try await fixture.close()
  }

  @Test("load of each CPE once ends with the last one; Informs say the events asked for; RPC steps are timed")
  func onceEach() async throws {
    let fixture = try await Fixture(count: 5) { acs in
      acs.scripts = [[.getRPCMethods], [.getRPCMethods]]
    } _: { settings in
      settings.pace = .closedLoop(sessions: 1)
      settings.isOnceEach = true
      settings.loadEvents = [.bootstrap, .boot]
    }
    try await fixture.fleet.start()
    while try await fixture.fleet.statistics().completed < 5 { await Task.yield() }
    try await fixture.fleet.windDown()
    let statistics = try await fixture.fleet.statistics()
    #expect(statistics.ended == 5)
    #expect(statistics.rpcs == ["GetRPCMethods": 2])
    #expect(statistics.stepLatency.count == 4, "the empty POST and the response, of two sessions")
    #expect(statistics.responseLatency.count == 2)
    let informs = informs(try await fixture.heard())
    #expect(Set(informs.map(\.deviceID.serialNumber)).count == 5)
    #expect(informs.allSatisfy { $0.events == [EventStruct(.bootstrap), EventStruct(.boot)] })
    try await fixture.close()
  }

  @Test("a living CPE that loses its power boots instead of informing periodically")
  func losesPower() async throws {
    let fixture = try await Fixture {
      _ in
    } _: { settings in
      settings.pace = .living(bootSeconds: 0)
      settings.periodicInterval = 1
      settings.bootFraction = 1
    }
    try await fixture.fleet.start()
    let first = try await fixture.fleet.session(of: 0, after: nil)
    let second = try await fixture.fleet.session(of: 0, after: first)
    #expect(second.events == [EventStruct(.boot)])
    try await fixture.close()
  }

  @Test("a fleet that drops, stops, repeats and restarts still ends every session in some way")
  func fleetOfMisbehavers() async throws {
    let fixture = try await Fixture(count: 40) { _ in
    } _: { settings in
      settings.models = [.tr181, .tr098]
      settings.pace = .living(bootSeconds: 0.05)
      settings.retry = RetryPolicy(minimumWaitMilliseconds: 1, multiplier: 1_100)
      settings.misbehaviours = [
        (.dropsConnections, 0.5), (.stopsMidSession, 0.5), (.repeatsEmptyPosts, 0.5), (.restartsMidSession, 0.5),
        (.keepsFirstCookie, 0.3),
      ]
    }
    try await fixture.fleet.start()
    while try await fixture.fleet.statistics().completed < 40 { await Task.yield() }
    try await fixture.fleet.windDown()
    #expect(try await fixture.fleet.statistics().open == 0)
    try await fixture.close()
  }
}
