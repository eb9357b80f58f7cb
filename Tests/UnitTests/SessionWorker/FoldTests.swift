import CWMP
import Cryptography
import EventLog
import Fleet
import Testing

@testable import SessionWorker

@Suite("The fold of one device")
struct FoldTests {
  private let boot = EventStruct(.boot)
  private let periodic = EventStruct(.periodic)

  /// A device that came at 0 and was sent a Reboot at 1, to POST 1 of that session, which broke then.
  private func sentReboot() throws -> FoldedDevice {
    var device = FoldedDevice()
    _ = try device.inform([periodic], at: 0)
    device.queue(.reboot, at: 0)
    #expect(device.tell(.ready, post: 1, session: 0, at: 1) == ["task.dispatched"])
    return device
  }

  // MARK: - Informs that a newer session overtook

  @Test func `the events of an Inform that a newer session overtook are told; what it says of values is not believed`()
    throws
  {
    var device = FoldedDevice()
    _ = try device.inform([periodic], at: 10)
    #expect(try device.inform([EventStruct(.bootstrap), boot], at: 5) == ["device.bootstrapped", "device.booted"])
    #expect(device.state.contact?.session == FoldedDevice.session(at: 10))
    #expect(device.state.contact?.digest == [])
  }

  @Test func `the BOOT of an overtaken Inform shows a Reboot done that was sent before it`() throws {
    var device = try sentReboot()
    #expect(try device.inform([periodic], at: 30) == ["task.in_doubt"])
    #expect(try device.inform([boot], at: 20) == ["task.succeeded", "device.booted"])
    #expect(device.state.tasks.isEmpty)
  }

  @Test func `the BOOT of an overtaken Inform shows nothing of a Reboot that was sent after it`() throws {
    var device = FoldedDevice()
    _ = try device.inform([periodic], at: 10)
    device.queue(.reboot, at: 10)
    _ = device.tell(.ready, post: 1, session: 10, at: 11)
    #expect(try device.inform([boot], at: 5) == ["device.booted"])
    #expect(device.state.tasks.map(\.state) == [.dispatched])
  }

  @Test func `an Inform that was passed on from an old range takes nothing over, however late it is`() throws {
    var device = FoldedDevice()
    _ = try device.inform([periodic], at: 60)
    #expect(try device.inform([boot], at: 0) { $0.isPoured = true } == ["device.booted"])
    #expect(device.state.contact?.session == FoldedDevice.session(at: 60))
  }

  // MARK: - A Reboot that was not done

  @Test func `a first Inform without BOOT five minutes after a Reboot without response shows that it was not done`()
    throws
  {
    var device = try sentReboot()
    #expect(try device.inform([periodic], at: 400) == ["task.in_doubt", "task.queued"])
  }

  @Test func `an Inform from soon after the dispatch shows nothing, however late an outage lets it be folded (P4)`()
    throws
  {
    var device = try sentReboot()
    #expect(try device.inform([periodic], at: 10, foldedAt: 600) == ["task.in_doubt"])
    #expect(try device.inform([boot], at: 20, foldedAt: 600) == ["task.succeeded", "device.booted"])
  }

  @Test func `a gateway's clock that is ahead makes no Inform one of long after the dispatch (P4)`() throws {
    var device = try sentReboot()
    #expect(try device.inform([periodic], at: 3_600, foldedAt: 10) == ["task.in_doubt"])
  }

  @Test func `a BOOT from before the dispatch shows nothing, and afterwards its absence shows nothing either (P4)`()
    throws
  {
    var device = FoldedDevice()
    _ = try device.inform([periodic], at: 0)
    device.queue(.reboot, at: 0)
    #expect(device.tell(.ready, post: 1, session: 0, at: 10) == ["task.dispatched"])
    #expect(try device.inform([boot], at: 5, foldedAt: 11) == ["task.in_doubt", "device.booted"])
    #expect(try device.inform([periodic], at: 400) == [])
    #expect(try device.inform([boot], at: 500) == ["task.succeeded", "device.booted"])
  }

  @Test func `each BOOT from before the dispatch shows nothing, not only the first (P4)`() throws {
    var device = FoldedDevice()
    _ = try device.inform([periodic], at: 0)
    device.queue(.reboot, at: 0)
    #expect(device.tell(.ready, post: 1, session: 0, at: 10) == ["task.dispatched"])
    #expect(try device.inform([boot], at: 5, foldedAt: 11) == ["task.in_doubt", "device.booted"])
    #expect(try device.inform([boot, periodic], at: 7, foldedAt: 12) == ["device.booted"])
    #expect(try device.inform([boot], at: 500) == ["task.succeeded", "device.booted"])
  }

  @Test func `nothing in the batch that dispatches was made after it, whatever a gateway's clock says (P4)`() throws {
    var device = FoldedDevice()
    _ = try device.inform([periodic], at: 0)
    device.queue(.reboot, at: 0)
    #expect(device.tell(.ready, post: 1, session: 0, at: 10) == ["task.dispatched"])
    #expect(try device.inform([boot], at: 3_600, foldedAt: 10) == ["task.in_doubt", "device.booted"])
    #expect(device.state.tasks.map(\.state) == [.inDoubt])
  }

  @Test func `events told once more may be those of a restart: afterwards its absence shows nothing (P4)`() throws {
    var device = FoldedDevice()
    _ = try device.inform([boot, periodic], at: 0)
    device.queue(.reboot, at: 0)
    _ = device.tell(.ready, post: 1, session: 0, at: 1)
    #expect(try device.inform([boot, periodic], at: 20, retry: 1) == ["task.in_doubt", "device.booted"])
    #expect(try device.inform([periodic], at: 400) == [])
  }

  @Test func `a BOOT that a gateway dates back by more than a late Inform's age counts: its clock is wrong`() throws {
    var device = FoldedDevice()
    _ = try device.inform([periodic], at: 0)
    device.queue(.reboot, at: 0)
    _ = device.tell(.ready, post: 1, session: 0, at: 600)
    #expect(try device.inform([boot], at: 10, foldedAt: 610) == ["task.in_doubt", "task.succeeded", "device.booted"])
  }

  @Test func `after a dead letter, which may have told a BOOT, its absence shows nothing (P4)`() throws {
    var device = try sentReboot()
    #expect(device.passOver(at: 10) == ["task.in_doubt"])
    #expect(try device.inform([periodic], at: 400) == [])
    #expect(device.state.tasks.map(\.state) == [.inDoubt])
  }

  // MARK: - Diagnostics

  /// A device that came at 0 with diagnostics of before that are complete, and was sent a request for others.
  private func sentDiagnostics() throws -> FoldedDevice {
    var device = FoldedDevice()
    device.diagnostics = "Complete"
    _ = try device.inform([periodic], at: 0)
    device.queue(.setParameterValues([.init(name: FoldedDevice.diagnosticsState, value: "Requested")]), at: 0)
    #expect(device.tell(.ready, post: 1, session: 0, at: 1) == ["task.dispatched"])
    return device
  }

  @Test func `what diagnostics of before have left shows nothing of those that may not have been begun`() throws {
    var device = try sentDiagnostics()
    #expect(try device.inform([periodic], at: 20) == ["task.in_doubt"])
    #expect(try device.inform([EventStruct(.diagnosticsComplete)], at: 40).contains("task.succeeded"))
  }

  @Test func `once the device has taken the request, any end of diagnostics is theirs`() throws {
    var device = try sentDiagnostics()
    let answered = try device.answer(.setParameterValues(status: 0), post: 2, session: 0, at: 2)
    #expect(answered == ["task.accepted"])
    #expect(try device.inform([periodic], at: 20) == ["task.succeeded"])
  }

  @Test func `of diagnostics under way event 8 shows the end of those whose request the device took`() throws {
    var device = try sentDiagnostics()
    _ = try device.answer(.setParameterValues(status: 0), post: 2, session: 0, at: 2)
    device.diagnostics = "Requested"
    _ = try device.inform([periodic], at: 20)
    device.queue(.setParameterValues([.init(name: FoldedDevice.diagnosticsState, value: "Requested")]), at: 20)
    #expect(device.tell(.ready, post: 3, session: 20, at: 21) == ["task.dispatched"])
    let told = try device.inform([EventStruct(.diagnosticsComplete)], at: 40)
    #expect(told == ["task.in_doubt", "task.succeeded", "device.diagnostics_completed"])
    #expect(device.state.tasks.map(\.id) == [UUID128(high: 3, low: 2)])
    // Once more, with another event: its answer was lost.
    _ = try device.inform([EventStruct(.diagnosticsComplete), periodic], at: 60, retry: 1)
    #expect(device.state.tasks.map(\.state) == [.inDoubt])
  }

  // MARK: - Credentials

  @Test func `the pending password that a device proved becomes its own, and no other that is pending by now`() throws {
    var device = FoldedDevice()
    _ = try device.inform([periodic], at: 0)
    device.state.credential?.pendingSecret = [7]
    let others = try device.inform([periodic], at: 20) { message in
      message.authentication = .pending
      message.pendingMark = CPEMessage.mark(ofSealed: [6])
    }
    #expect(others == [])
    #expect(device.state.credential?.secret == nil)
    let own = try device.inform([periodic], at: 40) { message in
      message.authentication = .pending
      message.pendingMark = CPEMessage.mark(ofSealed: [7])
    }
    #expect(own == ["device.credentials_adopted"])
    #expect(device.state.credential?.secret == [7])
  }

  // MARK: - Objects

  private static let table = "Device.NAT.PortMapping."

  /// Tells what instances there are, in answer to a preparation that was sent to a POST.
  private func instances(_ numbers: [Int]) -> CPEResponse {
    .getParameterNames(ParameterInfoList(numbers.map { ParameterInfo("\(Self.table)\($0).", writable: true) }))
  }

  /// An AddObject was sent in the session of 0, in which there was instance 1, and got no answer.
  private func sentAddition() throws -> FoldedDevice {
    var device = FoldedDevice()
    _ = try device.inform([periodic], at: 0)
    device.queue(.addObject(path: Self.table), at: 0)
    #expect(device.tell(.ready, post: 1, session: 0, at: 1) == [], "what is there is asked first")
    #expect(try device.answer(instances([1]), post: 2, session: 0, at: 2) == ["task.dispatched"])
    #expect(try device.inform([periodic], at: 20) == ["task.in_doubt"])
    return device
  }

  @Test func `before an instance is removed it is seen whether an AddObject in doubt has made it (P4)`() throws {
    var device = try sentAddition()
    device.queue(.deleteObject(path: "\(Self.table)2."), at: 20)
    #expect(device.tell(.ready, post: 3, session: 20, at: 21) == [], "what is there is asked first")
    let told = try device.answer(instances([1, 2]), post: 4, session: 20, at: 22)
    #expect(told == ["task.succeeded", "task.dispatched"])
  }

  @Test func `an instance that was removed is no proof that an AddObject in doubt did not make it (P4)`() throws {
    var device = try sentAddition()
    device.queue(.deleteObject(path: "\(Self.table)2."), at: 20)
    _ = device.tell(.ready, post: 3, session: 20, at: 21)
    #expect(try device.answer(instances([1, 2, 3]), post: 4, session: 20, at: 22) == ["task.dispatched"])
    #expect(try device.answer(.deleteObject(status: 0), post: 5, session: 20, at: 23) == ["task.succeeded"])
    #expect(try device.inform([periodic], at: 40) == [])
    #expect(device.tell(.ready, post: 6, session: 40, at: 41) == [])
    #expect(device.state.tasks.map(\.state) == [.inDoubt])
  }

  @Test func `after a restore instances show nothing: what was forgotten may have made or removed some (P4)`() throws {
    for found in [[1], [1, 2]] {
      var device = try sentAddition()
      #expect(device.tell(.ready, post: 3, session: 20, at: 21) == [], "what is there is asked")
      device.state.tasks[0].dispatchedAt = nil
      #expect(try device.answer(instances(found), post: 4, session: 20, at: 22) == [])
      #expect(device.state.tasks.map(\.state) == [.inDoubt])
      _ = try device.inform([periodic], at: 40)
      #expect(device.tell(.ready, post: 5, session: 40, at: 41) == [])
      #expect(device.state.tasks.map(\.state) == [.inDoubt], "nor are they asked for again")
    }
  }

  // MARK: - What never left

  @Test func `an attempt that a gateway gave back unsent does not count: it is not what makes a task dead`() throws {
    var device = FoldedDevice()
    _ = try device.inform([periodic], at: 0)
    device.queue(.getRPCMethods, at: 0) { $0.maximumAttempts = 2 }
    for post in UInt64(1)...3 {
      #expect(device.tell(.ready, post: post, session: 0, at: Int64(post)) == ["task.dispatched"])
      #expect(device.state.tasks.map(\.attempt) == [1])
      #expect(device.tell(.unsent, post: post, session: 0, at: Int64(post)) == ["task.queued"])
    }
    _ = device.tell(.ready, post: 4, session: 0, at: 4)
    #expect(try device.inform([periodic], at: 20) == ["task.queued"], "the first attempt that was lost")
    _ = device.tell(.ready, post: 5, session: 20, at: 21)
    #expect(try device.inform([periodic], at: 40) == ["task.dead"])
  }

  @Test func `three attempts that were lost are made anew with the next session, the fourth waits minutes`() throws {
    var device = FoldedDevice()
    device.queue(.getRPCMethods, at: 0) { $0.deadline = .max }
    for attempt in Int64(1)...4 {
      let time = attempt * 20
      _ = try device.inform([periodic], at: time)
      #expect(device.tell(.ready, post: UInt64(attempt), session: time, at: time) == ["task.dispatched"])
    }
    #expect(try device.inform([periodic], at: 100) == ["task.queued"])
    let wait = try #require(device.state.tasks.first).notBefore / 1_000_000 - FoldedDevice.start - 100
    #expect((180...300).contains(wait))
    #expect(device.tell(.ready, post: 5, session: 100, at: 101) == [], "it is not sent before")
    _ = try device.inform([periodic], at: 401)
    #expect(device.tell(.ready, post: 6, session: 401, at: 401) == ["task.dispatched"])
    #expect(try device.inform([periodic], at: 421) == ["task.dead"])
  }

  @Test func `an attempt that left for a POST before the one that was given up counts`() throws {
    var device = FoldedDevice()
    _ = try device.inform([periodic], at: 0)
    device.queue(.getRPCMethods, at: 0)
    _ = device.tell(.ready, post: 1, session: 0, at: 1)
    _ = device.tell(.ready, post: 2, session: 0, at: 2)
    #expect(device.tell(.unsent, post: 2, session: 0, at: 3) == ["task.queued"])
    _ = device.tell(.ready, post: 3, session: 0, at: 4)
    #expect(device.state.tasks.map(\.attempt) == [2])
  }

  // MARK: - Lost IDs

  @Test func `a lost ID that its gateway gave back settles what is outstanding and nothing that went out before it`()
    throws
  {
    var device = FoldedDevice()
    _ = try device.inform([periodic], at: 0)
    for _ in 0..<2 { device.queue(.reboot, at: 0) { $0.once = true } }
    #expect(device.tell(.ready, post: 1, session: 0, at: 1) == ["task.dispatched"])
    let first = try #require(device.state.tasks.first { $0.state == .dispatched })
    // The CPE asks once more, through another gateway, which sends it the other task.
    #expect(device.tell(.ready, post: 2, session: 0, at: 2) == ["task.in_doubt", "task.dispatched"])
    let stale = Array(CommandKey(task: first.id, attempt: first.attempt).text.utf8)
    let told = try device.answer(.reboot, post: 3, session: 0, at: 3) { message in
      message.cwmpID = stale
      message.isStamped = true
    }
    #expect(told == ["task.in_doubt"], "nobody knows which of them was answered")
    #expect(device.state.tasks.allSatisfy { $0.state == .inDoubt })
  }

  // MARK: - Dependents

  @Test func `what depends on a task that ended without success is not sent, and neither is what depends on that`()
    throws
  {
    var device = FoldedDevice()
    _ = try device.inform([periodic], at: 0)
    let failed = UUID128(high: 8, low: 8)
    device.queue(.reboot, at: 0) { $0.dependsOn = failed }
    device.queue(.reboot, at: 0) { $0.dependsOn = UUID128(high: 3, low: 1) }
    device.state.failedPrerequisites = [failed]
    #expect(device.tell(.ready, post: 1, session: 0, at: 1) == ["task.failed", "task.failed"])
    #expect(device.state.tasks.isEmpty)
  }

  @Test func `a task in doubt whose prerequisite ended badly is not tried again at its deadline`() throws {
    var device = FoldedDevice()
    _ = try device.inform([periodic], at: 0)
    device.queue(.reboot, at: 0) {
      $0.dependsOn = UUID128(high: 8, low: 8)
      $0.state = .inDoubt
      $0.attempt = 1
      $0.retriesOnDoubt = true
    }
    device.state.failedPrerequisites = [UUID128(high: 8, low: 8)]
    let told = device.tell(.due, post: 1, session: 0, at: 3_600) {
      $0.task = UUID128(high: 3, low: 1)
      $0.attempt = 1
    }
    #expect(told == ["task.queued", "task.failed"])
  }

  @Test func `a task in doubt is not tried again once its prerequisite has ended badly in the same batch`() throws {
    var device = FoldedDevice()
    _ = try device.inform([periodic], at: 0)
    device.queue(.reboot, at: 0) { $0.deadline -= 60_000_000 }
    device.queue(.reboot, at: 0) {
      $0.dependsOn = UUID128(high: 3, low: 1)
      $0.state = .inDoubt
      $0.retriesOnDoubt = true
    }
    for (number, expected) in [(UInt64(1), ["task.expired"]), (2, ["task.queued", "task.failed"])] {
      let told = device.tell(.due, post: 1, session: 0, at: 3_600) { $0.task = UUID128(high: 3, low: number) }
      #expect(told == expected)
    }
  }

  @Test func `what depends on a task that is done is sent`() throws {
    var device = FoldedDevice()
    _ = try device.inform([periodic], at: 0)
    device.queue(.reboot, at: 0) { $0.dependsOn = UUID128(high: 8, low: 8) }
    #expect(device.tell(.ready, post: 1, session: 0, at: 1) == ["task.dispatched"])
  }
}
