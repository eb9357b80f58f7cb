import CWMP
import Testing

@Suite("Values of CWMP")
struct ValueTests {
  @Test(
    "a dateTime is read with Z, an offset, a fraction and without zone (item 48)",
    arguments: [
      ("1970-01-01T00:00:00Z", 0), ("2026-11-23T10:20:30Z", 1_795_429_230_000_000),
      ("2026-11-23T11:20:30+01:00", 1_795_429_230_000_000), ("2026-11-23T09:50:30-0030", 1_795_429_230_000_000),
      ("2026-11-23T10:20:30", 1_795_429_230_000_000), (" 2026-11-23T10:20:30.5Z\n", 1_795_429_230_500_000),
      ("2024-02-29T00:00:00.1234567Z", 1_709_164_800_123_456), ("1969-12-31T23:59:59.999999Z", -1),
    ] as [(String, Int64)])
  func dateTimes(text: String, microseconds: Int64) {
    #expect(DateTimeText(text).meaning == .time(microseconds: microseconds))
  }

  @Test(
    "what is no dateTime is kept as text (item 48)",
    arguments: [
      "", "now", "2026-02-29T00:00:00Z", "2026-11-23", "2026-11-23T25:00:00Z", "Thu Jan  1 00:00:12 1970",
      "0000-01-01T00:00:00Z",
    ])
  func noDateTime(text: String) {
    #expect(DateTimeText(text).meaning == .unparsable && DateTimeText(text).text == text)
  }

  @Test("the year 1 is Unknown Time or time since boot, the end of 9999 is for ever (item 49)")
  func specialTimes() {
    #expect(DateTimeText("0001-01-01T00:00:00Z").meaning == .unknown)
    #expect(DateTimeText("0001-01-02T00:00:01Z").meaning == .sinceBoot(microseconds: 86_401_000_000))
    #expect(DateTimeText("9999-12-31T23:59:59Z").meaning == .infinite)
  }

  @Test(
    "points in time are printed in UTC with Z, and read back",
    arguments: [0, 1_795_429_230_000_000, -62_135_596_800_000_000 + 1_000_000, 951_782_400_000_000] as [Int64])
  func prints(microseconds: Int64) {
    let text = DateTimeText(microseconds: microseconds)
    #expect(text.text.hasSuffix("Z") && text.text.utf8.count == 20)
    if microseconds >= 0 { #expect(text.microseconds == microseconds) }
    #expect(DateTimeText(microseconds: microseconds, milliseconds: true).text.utf8.count == 24)
  }

  @Test("days of four centuries survive printing and reading")
  func days() {
    for day in stride(from: Int64(-60_000), to: 90_000, by: 13) {
      let microseconds = day * 86_400_000_000 + 3_661_000_000
      #expect(DateTimeText(microseconds: microseconds).microseconds == microseconds)
    }
  }

  @Test(
    "every event of the standard is known, in any case, and printed as the standard writes it (table 2.4)",
    arguments: [
      "0 BOOTSTRAP", "1 BOOT", "2 PERIODIC", "3 SCHEDULED", "4 VALUE CHANGE", "5 KICKED", "6 CONNECTION REQUEST",
      "7 TRANSFER COMPLETE", "8 DIAGNOSTICS COMPLETE", "9 REQUEST DOWNLOAD", "10 AUTONOMOUS TRANSFER COMPLETE",
      "11 DU STATE CHANGE COMPLETE", "12 AUTONOMOUS DU STATE CHANGE COMPLETE", "13 WAKEUP", "14 HEARTBEAT", "M Reboot",
      "M ScheduleInform", "M Download", "M ScheduleDownload", "M Upload", "M ChangeDUState",
    ])
  func events(text: String) {
    let code = EventCode(" " + text.lowercased() + "\n")
    if case .other = code { Issue.record("\(text) is not known") }
    #expect(code.description == text)
    #expect(code.announcesRequest == ["7", "9", "10", "11", "12"].contains(text.split(separator: " ")[0]))
  }

  @Test("versions: the highest common one, none where there is none (items 42 and 43)")
  func versions() {
    #expect(CWMPVersion.common(with: CWMPVersion.list("1.0, 1.2 ,1.9")) == CWMPVersion(major: 1, minor: 2))
    #expect(CWMPVersion.common(with: CWMPVersion.list("2.0,1.9")) == nil)
    #expect(CWMPVersion.list("x,1,1.2.3,") == [])
  }

  @Test("faults worth another try are told from the others (item 176)")
  func retries() {
    for code in [9_002, 9_004, 9_010, 9_015, 9_016, 9_017, 9_018, 9_020, 9_850] {
      #expect(CWMPFault(code: code, string: "").retry == .later)
    }
    for code in [9_000, 9_003, 9_005, 9_006, 9_007, 9_008] {
      #expect(CWMPFault(code: code, string: "").retry == .never)
    }
  }

  @Test("lists with equal content are equal, however they came about")
  func lists() throws {
    let list: ParameterList = [ParameterValue("A", "1"), ParameterValue("B", "", type: .int)]
    let bytes = CPEEnvelopeWriter().response(.getParameterValues(list), id: Array("an id before".utf8))
    guard case .cpeResponse(.getParameterValues(let read)) = try EnvelopeParser().parse(bytes).message else {
      throw Unexpected()
    }
    #expect(read == list && read.hashValue == list.hashValue)
    #expect(read != [ParameterValue("A", "1")] && read != [ParameterValue("A", "1"), ParameterValue("B", "")])
    #expect(read.value(of: "B") == "" && read.value(of: "C") == nil && read.firstIndex(of: "A") == 0)
  }

  @Test("the root comes from the parameters (item 99)")
  func root() {
    #expect(ParameterList([ParameterValue("X", ""), ParameterValue("Device.A", "")]).root == "Device.")
    #expect(ParameterList([ParameterValue("InternetGatewayDevice.A", "")]).root == "InternetGatewayDevice.")
    #expect(ParameterList().root == nil)
  }
}
