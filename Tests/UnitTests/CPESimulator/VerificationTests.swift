import CWMP
import Testing

@testable import CPESimulator

@Suite("A history compared with what the server knows")
struct VerificationTests {
  private static let task = "0190a5c4-8f21-7b3c-9d10-112233445566"
  private static let key = "AZClxI8hezydEBEiM0RVZg1"

  /// A device that has informed, obeyed a Reboot and a SetParameterValues; and the server's view of the same.
  private func story(_ more: [HistoryEntry] = []) -> (DeviceHistory, ServerDevice) {
    var history = DeviceHistory()
    let entries =
      [
        HistoryEntry(at: 10_000, cpe: "d", what: .inform, events: ["0 BOOTSTRAP"], keys: [""], software: "1.0.0"),
        HistoryEntry(at: 10_000, cpe: "d", what: .rpc, method: "Reboot", id: Self.key, fault: 0),
        HistoryEntry(
          at: 10_000, cpe: "d", what: .rpc, method: "SetParameterValues", id: "x", fault: 0, values: ["A.B": "1"]),
      ] + more
    for entry in entries { history.add(entry) }
    let server = ServerDevice(
      lastInform: 10_005, softwareVersion: "1.0.0", parameters: ["A.B": "1"],
      tasks: [.init(id: Self.task, method: "Reboot", state: "succeeded", attempt: 1, createdAt: 10_001)])
    return (history, server)
  }

  private func kinds(_ history: DeviceHistory, _ server: ServerDevice?) -> [Difference.Kind] {
    Verification.differences(of: "d", history, server).map(\.kind)
  }

  @Test("a CommandKey names a task and an attempt")
  func commandKey() throws {
    let found = try #require(Verification.attempt(Self.key))
    #expect(found.task == Self.task)
    #expect(found.attempt == 1)
    #expect(Verification.attempt("rpc-1") == nil)
  }

  @Test("no difference where there is none")
  func agrees() {
    let (history, server) = story()
    #expect(kinds(history, server).isEmpty)
  }

  @Test("an acknowledged Inform without effect is named: no device, none, an older one, another version")
  func lostInform() {
    var (history, server) = story()
    #expect(kinds(history, nil) == [.unknownDevice])
    server.lastInform = 5_000
    #expect(kinds(history, server) == [.lostInform])
    server.lastInform = nil
    #expect(kinds(history, server) == [.lostInform])
    server.lastInform = 10_005
    server.softwareVersion = "0.9"
    #expect(kinds(history, server) == [.lostInform])
    history = DeviceHistory()
    #expect(kinds(history, nil).isEmpty)
  }

  @Test("each acknowledged Inform needs a record of its own in the log, of its time and with its events")
  func lostInTheMiddle() {
    let informs = [
      HistoryEntry(at: 20_000, cpe: "d", what: .inform, events: ["2 PERIODIC"], acked: 20_300, software: "1.0.0"),
      HistoryEntry(at: 40_000, cpe: "d", what: .inform, events: ["1 BOOT"], retry: 1, acked: 40_300, software: "1.0.0"),
      HistoryEntry(at: 60_000, cpe: "d", what: .inform, events: ["2 PERIODIC"], acked: 60_300, software: "1.0.0"),
    ]
    var (history, server) = story(informs)
    server.lastInform = 60_000
    var log = ServerDevice.Log()
    // The BOOT's first try was taken without an answer, and told then.
    let times: [(Int64, String)] = [
      (10_000, "0 BOOTSTRAP"), (20_100, "2 PERIODIC"), (30_000, "1 BOOT"), (40_100, "1 BOOT"), (60_100, "2 PERIODIC"),
    ]
    log.informs = times.map { .init(time: $0, events: [$1], session: "s\($0)") }
    log.events = ["carillon.device.bootstrapped.v1": ["s10000"], "carillon.device.booted.v1": ["s30000"]]
    server.log = log
    #expect(kinds(history, server).isEmpty)
    for lost in [0, 1, 3, 4] {
      server.log = log
      server.log?.informs.remove(at: lost)
      #expect(kinds(history, server).first == .lostInform, "record \(lost)")
    }
    server.log = log
    server.log?.informs[1].time = 25_000
    #expect(kinds(history, server) == [.lostInform], "another's")
    server.log = log
    server.log?.events["carillon.device.booted.v1"] = ["s10000", "s60100"]
    #expect(kinds(history, server) == [.lostEvent])
    server.log = log
    server.log?.deadLetters = 1
    #expect(kinds(history, server) == [.deadLetter])
    history.add(HistoryEntry(at: 61_000, cpe: "d", what: .transfer, key: "k"))
    server.log = log
    #expect(kinds(history, server) == [.lostTransfer])
    server.log?.transfers = 1
    #expect(kinds(history, server).isEmpty)
  }

  @Test("events come at least once, in order, each with its own id and none missing (P5)")
  func events() {
    func kinds(_ told: [(String, Int, String)]) -> [Difference.Kind] {
      var (history, server) = story()
      history = DeviceHistory()
      history.add(HistoryEntry(at: 1, cpe: "d", what: .boot))
      server = ServerDevice()
      server.log = ServerDevice.Log()
      server.log?.told = told.map { .init(topic: $0, sequence: $1, id: $2) }
      return self.kinds(history, server)
    }
    let good = [("a", 1, "x"), ("b", 2, "y"), ("a", 3, "z")]
    #expect(kinds(good).isEmpty)
    #expect(kinds(good + [("a", 1, "x"), ("a", 3, "z"), ("a", 4, "w")]).isEmpty, "some came again")
    #expect(kinds([("a", 3, "z"), ("b", 2, "y"), ("a", 1, "x")]) == [.eventOrder])
    #expect(kinds(good + [("b", 2, "other")]) == [.eventOrder])
    #expect(kinds([good[0], good[2]]) == [.lostEvent])
  }

  @Test("a Reboot too many is named, whether it repeats an ID or has none of the server's")
  func extraReboot() {
    let again = HistoryEntry(at: 11_000, cpe: "d", what: .rpc, method: "Reboot", id: Self.key, fault: 0)
    let (repeated, server) = story([again])
    #expect(kinds(repeated, server) == [.repeatedRPC])
    var foreign = again
    foreign.id = "someone-elses"
    #expect(kinds(story([foreign]).0, server) == [.extraRPC])
    foreign.id = String(Self.key.dropLast()) + "2"
    #expect(kinds(story([foreign]).0, server) == [.extraRPC, .repeatedRPC])
  }

  @Test("a task of once that was carried out in two attempts is named; a transfer that failed may be repeated")
  func twoAttempts() {
    let second = String(Self.key.dropLast()) + "2"
    let again = HistoryEntry(at: 11_000, cpe: "d", what: .rpc, method: "Reboot", id: second, fault: 0)
    var (history, server) = story([again])
    server.tasks[0].attempt = 2
    #expect(kinds(history, server) == [.repeatedRPC])
    history.add(HistoryEntry(at: 12_000, cpe: "d", what: .download, key: Self.key, fault: 9010))
    #expect(kinds(history, server).isEmpty)
  }

  @Test("a success that never happened is named; one from before the history is not")
  func phantom() {
    var (history, server) = story()
    server.tasks.append(
      .init(id: "t2", method: "FactoryReset", state: "succeeded", attempt: 1, createdAt: 10_002))
    #expect(kinds(history, server) == [.phantomSuccess])
    server.tasks[1].createdAt = 9_000
    #expect(kinds(history, server).isEmpty)
    history = DeviceHistory()
  }

  @Test("values count until a reset, a deletion or another value")
  func values() {
    let set = HistoryEntry(
      at: 1, cpe: "d", what: .rpc, method: "SetParameterValues", id: "y", fault: 0, values: ["A.B": "2", "T.1.C": "3"])
    let delete = HistoryEntry(at: 2, cpe: "d", what: .rpc, method: "DeleteObject", id: "z", fault: 0, object: "T.1.")
    var (history, server) = story([set])
    #expect(kinds(history, server) == [.value, .value])
    history.add(delete)
    server.parameters["A.B"] = "2"
    server.tasks.append(.init(id: "t", method: "DeleteObject", state: "succeeded", attempt: 1, createdAt: 0))
    #expect(kinds(history, server).isEmpty)
    history.add(HistoryEntry(at: 3, cpe: "d", what: .reset))
    #expect(history.values.isEmpty)
  }

  @Test("what the writer writes, the reader reads")
  func roundTrip() throws {
    var line = JSONLine("rpc", CPEIdentity(index: 0), at: 5)
    line.add("method", "SetParameterValues")
    line.add("id", "a\"\\\n")
    line.add("fault", 0)
    line.add("values", ["P": "ü"])
    let entry = try HistoryReader.entry(line.finished.dropLast(), "f", 1)
    #expect(
      entry
        == HistoryEntry(
          at: 5, cpe: "00D09E-Carillon-00000001", what: .rpc, method: "SetParameterValues", id: "a\"\\\n", fault: 0,
          values: ["P": "ü"]))
    #expect(throws: HistoryError.self) { try HistoryReader.entry([0x7B], "f", 1) }
  }
}
