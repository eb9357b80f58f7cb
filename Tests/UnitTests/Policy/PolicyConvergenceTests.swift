import DataModel
import Policy
import Testing

/// Random policies on random devices with the faults of real ones.
@Suite struct PolicyConvergenceTests {
  @Test(arguments: 0..<60 as Range<UInt64>)
  func `a device converges within the bounds and is left alone then, whatever its faults`(seed: UInt64) throws {
    var random = SplitMix(seed: seed)
    let limits = PolicyLimits()
    let engine = try UnitTests.engine(Self.documents(&random))
    var device = Self.device(&random)
    var moment = TwinTests.now
    // Enough sessions for every fault to be found.
    for _ in 0..<4 {
      let sent = device.session(engine, events: ["1 BOOT"], now: moment)
      #expect(sent.count < limits.rpcs)
      moment += 1
    }
    if device.forgotten.isEmpty {
      #expect(device.session(engine, events: ["1 BOOT"], now: moment).isEmpty)
    }
    // What no policy is held back for holds.
    let session = PolicySession(
      facts: device.facts, events: ["1 BOOT"], maySendSecrets: true, standings: device.standings)
    let plan = engine.plan(session, twin: device.twin, now: moment, fingerprint: PolicyDevice.fingerprint)
    let held = Set(device.standings.map(\.policy))
    var owned: Set<ParameterPath> = []
    for policy in engine.policies where plan.inForce.contains(policy.document.name) {
      for setting in policy.document.ensure {
        let path = try #require(setting.path.path(for: device.facts))
        guard owned.insert(path).inserted, !held.contains(policy.document.name), !device.forgotten.contains(path)
        else { continue }
        #expect(
          device.parameters[path]?.value == setting.value.text(for: device.facts),
          "seed \(seed): \(path) of \(policy.document.name)")
      }
    }
    // And in the end, after faults are mended and waits are over, everything holds and nothing is planned.
    device.refused = []
    device.forgotten = []
    for path in owned where device.parameters[path] == nil { device.parameters[path] = (.string, "late") }
    for _ in 0..<3 {
      moment += limits.longestBackOff
      _ = device.session(engine, events: ["1 BOOT"], now: moment)
    }
    #expect(device.standings.isEmpty, "seed \(seed)")
    #expect(device.session(engine, events: ["1 BOOT"], now: moment).isEmpty, "seed \(seed)")
  }

  private static func documents(_ random: inout SplitMix) -> [String] {
    (0..<Int.random(in: 1...6, using: &random)).map { policy in
      let settings = Set(
        (0..<Int.random(in: 1...12, using: &random)).map { _ in Int.random(in: 0...40, using: &random) })
      let ensure = settings.sorted().map { "  Device.T.\($0 % 4).P\($0): v\(Int.random(in: 0...2, using: &random))\n" }
      let refresh = (0..<Int.random(in: 1...6, using: &random)).map { _ in
        let number = Int.random(in: 0...50, using: &random)
        return Bool.random(using: &random)
          ? "  - {path: Device.T.\(number % 6)., max_age: 1d}\n"
          : "  - {path: Device.T.\(number % 4).P\(number), max_age: 2h}\n"
      }
      return "name: p\(policy)\npriority: \(Int.random(in: 0...2, using: &random))\n"
        + "ensure:\n\(ensure.joined())refresh:\n\(refresh.joined())"
    }
  }

  private static func device(_ random: inout SplitMix) -> PolicyDevice {
    var device = PolicyDevice()
    device.facts.root = .device
    device.namesFaults = Bool.random(using: &random)
    device.faultsMissing = Bool.random(using: &random)
    for number in 0...40 {
      let path = path("Device.T.\(number % 4).P\(number)")
      if Int.random(in: 0..<20, using: &random) > 0 { device.parameters[path] = (.string, "old") }
      if Int.random(in: 0..<30, using: &random) == 0 { device.refused.insert(path) }
      if Int.random(in: 0..<30, using: &random) == 0 { device.forgotten.insert(path) }
      if Int.random(in: 0..<3, using: &random) == 0 { device.informed.insert(path) }
    }
    return device
  }
}
