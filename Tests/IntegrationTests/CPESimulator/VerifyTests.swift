import CPESimulator
import CWMP
import HTTP
import Networking
import Testing

@Suite("A fleet's history against a real server", .serialized, .timeLimit(.minutes(5)))
struct VerifyTests {
  @Test("agrees after the story of a fleet; one Inform's lost effect and one Reboot too many are each named")
  func verify() async throws {
    try await TestPostgreSQL.withDatabase { database in
      let loop = try EventLoop(name: "verify")
      let cluster = try TestCluster(.postgresql, database: database, loop: loop)
      do {
        try await cluster.prepare()
        for role in ["worker", "scheduler", "northbound", "gateway"] { try await cluster.start(role) }
        try await story(cluster, loop, database)
        await cluster.end()
      } catch {
        await cluster.end()
        throw error
      }
      await loop.shutdown()
    }
  }

  private func story(
    _ cluster: TestCluster, _ loop: EventLoop, _ database: TestDatabase
  ) async throws {
    let history = "\(cluster.folder)/history"
    var settings = FleetSettings(url: "http://127.0.0.1:\(await cluster.server("gateway").cwmp)/", count: 4)
    settings.bootstrap = ACSCredentials(username: TestCluster.bootstrap.user, password: TestCluster.bootstrap.password)
    settings.bootDelay = .milliseconds(50)
    settings.keptReports = 16
    settings.callback = SocketAddress(ip: .loopback, port: 0)
    settings.historyFile = history
    let fleet = try await Fleet(settings, loops: [loop])

    // Each comes with the bootstrap credential, gets its own, and uses it.
    for cpe in 0..<4 {
      let first = try await fleet.session(of: cpe, events: [EventStruct(.bootstrap), EventStruct(.boot)])
      #expect(first.end == .completed)
      #expect(try await fleet.value(root(cpe) + "ManagementServer.Password", of: cpe) != TestCluster.bootstrap.password)
      #expect(try await fleet.session(of: cpe).end == .completed)
    }

    // An operator's task wakes it by a connection request; it reboots and comes back.
    let identity = fleet.identity(of: 0).name
    let tasks = "/devices/\(identity)/tasks"
    #expect(try await cluster.api(tasks, method: "POST", body: #"{"method":"Reboot"}"#).0 == .accepted)
    try await cluster.eventually("the device has rebooted", within: .seconds(60)) {
      try await cluster.api("\(tasks)?method=Reboot").1.contains("succeeded")
    }
    let value = #"{"name":"Device.DeviceInfo.ProvisioningCode","value":"gold","type":"string"}"#
    let set = #"{"method":"SetParameterValues","arguments":{"parameters":[\#(value)]}}"#
    let (status, answer) = try await cluster.api(tasks, method: "POST", body: set)
    #expect(status == .accepted, "\(answer)")
    #expect(try await fleet.session(of: 0).rpcs.map(\.method).contains("SetParameterValues"))
    #expect(try await fleet.value("Device.DeviceInfo.ProvisioningCode", of: 0) == "gold")
    #expect(try await fleet.statistics().connectionRequests >= 1)
    try await fleet.stop()

    let client = try VerificationClient(
      api: "http://127.0.0.1:\(await cluster.server("northbound").api)", token: TestCluster.token, on: loop)
    var histories = try read(history)
    #expect(histories.count == 4)
    #expect(try await client.differences(of: histories) == [])

    // One acknowledged Inform's effect is undone, one Reboot that nobody asked for is in the history.
    let robbed = fleet.identity(of: 1).name
    try await database.execute(
      """
      UPDATE device_contact SET last_inform = last_inform - interval '1 hour' \
      WHERE device = (SELECT id FROM device WHERE identity = '\(robbed)')
      """)
    let other = fleet.identity(of: 2).name
    histories[other]?.add(
      HistoryEntry(at: .max, cpe: other, what: .rpc, method: "Reboot", id: "unasked-for", fault: 0))
    // And of a third the log has lost one of its Informs, and nobody was told of its BOOT.
    let third = fleet.identity(of: 3).name
    try await database.execute(
      """
      WITH d AS (SELECT id::text AS id FROM device WHERE identity = '\(third)'), found AS (
        SELECT slot, topic, part, off, row_number() OVER (ORDER BY off DESC) AS n FROM log_record, d
         WHERE convert_from(key, 'UTF8') = d.id AND topic = 1 AND position('2 PERIODIC'::bytea in headers) > 0)
      UPDATE log_record r SET key = 'x'::bytea FROM found f
       WHERE f.n = 1 AND r.slot = f.slot AND r.topic = f.topic AND r.part = f.part AND r.off = f.off
      """)
    try await database.execute(
      """
      UPDATE log_record SET key = 'x'::bytea WHERE topic = 4 AND position('device.booted'::bytea in headers) > 0
         AND key = (SELECT convert_to(id::text, 'UTF8') FROM device WHERE identity = '\(third)')
      """)
    let found = try await client.differences(of: histories)
    #expect(found.map(\.device) == [robbed, other, third, third, third])
    #expect(found.map(\.kind) == [.lostInform, .extraRPC, .lostEvent, .lostInform, .lostEvent])
    await client.close()
  }

  private func root(_ cpe: Int) -> String { cpe % 2 == 0 ? "Device." : "InternetGatewayDevice." }

  private func read(_ path: String) throws -> [String: DeviceHistory] {
    var histories: [String: DeviceHistory] = [:]
    try HistoryReader.read(path) { entry in histories[entry.cpe, default: DeviceHistory()].add(entry) }
    return histories
  }
}
