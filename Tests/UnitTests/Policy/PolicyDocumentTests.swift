import DataModel
import Policy
import Testing

@Suite struct PolicyDocumentTests {
  @Test func `a document is read with all its parts`() throws {
    let policy = try PolicyDocument.parse(
      """
      name: wifi-base
      priority: 10
      match:
        manufacturer: Acme
        oui: [00d09e, "0011*"]
        tags: [a, b]
        root: [Device]
      on: ["0 BOOTSTRAP", "M Reboot"]
      ensure:
        Device.WiFi.Radio.1.Channel: 36
        Device.WiFi.Radio.1.Enable: true
        ${device.root}.DeviceInfo.ProvisioningCode: "x-${device.serial_number}$$"
        Device.X.Y: {type: "xsd:unsignedLong", value: 7}
      refresh:
        - {path: Device.IP., max_age: 1d}
        - path: ${device.root}.DeviceInfo.UpTime
          max_age: 30m
      """)
    #expect(policy.name == "wifi-base")
    #expect(policy.priority == 10)
    #expect(policy.match.manufacturer == [Glob("Acme")])
    #expect(policy.match.oui == [Glob("00d09e"), Glob("0011*")])
    #expect(policy.match.root == [.device])
    #expect(policy.events == ["0 BOOTSTRAP", "M Reboot"])
    #expect(policy.ensure.map(\.type) == [.unsignedInt, .boolean, .string, .unsignedLong])
    #expect(policy.ensure.map(\.isTypeGiven) == [false, false, false, true])
    #expect(policy.refresh.map(\.maxAge) == [86_400_000, 1_800_000])

    var facts = DeviceFacts()
    facts.serialNumber = "S1"
    facts.root = .internetGatewayDevice
    #expect(policy.ensure[2].value.text(for: facts) == "x-S1$")
    #expect(policy.ensure[2].path.path(for: facts)?.text == "InternetGatewayDevice.DeviceInfo.ProvisioningCode")
    #expect(policy.refresh[1].path.path(for: facts)?.text == "InternetGatewayDevice.DeviceInfo.UpTime")
    facts.root = nil
    #expect(policy.ensure[2].path.path(for: facts) == nil)
  }

  @Test(arguments: [
    ("42", ParameterType.unsignedInt), ("-1", .int), ("4294967296", .unsignedLong), ("-2147483649", .long),
    ("049", .string), ("\"42\"", .string), ("1.5", .string), ("true", .boolean), ("'true'", .string), ("yes", .string),
    ("99999999999999999999", .string), ("''", .string),
  ])
  func `a value without a type suggests one`(value: String, type: ParameterType) throws {
    let policy = try PolicyDocument.parse("name: x\nensure:\n  Device.A.B: \(value)")
    #expect(policy.ensure[0].type == type)
  }

  static let mistakes: [(String, String)] = [
    ("name: x\nensures: {}", "p:2:1: a policy has no 'ensures'; did you mean 'ensure'?"),
    ("priority: 1", "p:1:1: the policy has no name; add 'name: ...'"),
    ("name: x", "p:1:1: the policy asks for nothing; add 'ensure' or 'refresh'"),
    ("name: Big Name\nensure: {Device.A.B: 1}", "p:1:7: this is no name; use 1 to 64 of a-z, 0-9, '-', '_', '.'"),
    (
      "name: x\npriority: high\nensure: {Device.A.B: 1}",
      "p:2:11: the priority is no whole number; write a number from -1000000 to 1000000, such as 10"
    ),
    ("name: x\nmatch:\n  manufacturr: A", "p:3:3: 'match' has no 'manufacturr'; did you mean 'manufacturer'?"),
    ("name: x\nmatch: {root: Gateway}", "p:2:15: there is no such root; write Device or InternetGatewayDevice"),
    ("name: x\non: [boot]", "p:2:6: there is no such event; did you mean '1 BOOT'?"),
    ("name: x\non: 2 PERIODC", "p:2:5: there is no such event; did you mean '2 PERIODIC'?"),
    ("name: x\non: []", "p:2:5: the list has 0 items; give 1 to 200, or leave the key out"),
    (
      "name: x\nensure:\n  Device.A.: 1",
      "p:3:3: 'Device.A.' is an object; name a parameter, without a dot at its end"
    ),
    (
      "name: x\nensure:\n  Device..A: 1",
      "p:3:3: the parameter path 'Device..A' has an empty name between two dots; write each name once, with one dot "
        + "between; write it as Device.Object.1.Parameter"
    ),
    (
      "name: x\nensure:\n  Devic.A.B: 1",
      "p:3:3: 'Devic.A.B' lies in neither root; begin it with Device., InternetGatewayDevice. or ${device.root}. and "
        + "name an object in it"
    ),
    (
      "name: x\nensure:\n  Device.T.*.B: 1",
      "p:3:3: 'Device.T.*.B' has a '*', an alias or a variable; name each instance by its number; a variable may stand "
        + "only for the root: ${device.root}."
    ),
    (
      "name: x\nensure:\n  Device.IP.Diagnostics.IPPing.DiagnosticsState: Requested",
      "p:3:3: a diagnosis is no state to hold; start it with a task"
    ),
    (
      "name: x\nensure:\n  Device.A.B:",
      "p:3:14: a value must be a text, a number or a boolean, this is nothing; write '' for no text"
    ),
    ("name: x\nensure:\n  Device.A.B: $x", "p:3:15: a '$' stands alone; write '$$' for a dollar"),
    (
      "name: x\nensure:\n  Device.A.B: ${device.serial}",
      "p:3:15: there is no such variable; known: device.id, device.manufacturer, device.oui, device.product_class, "
        + "device.serial_number, device.software_version, device.hardware_version, device.root"
    ),
    (
      "name: x\nensure:\n  Device.A.B: ${device.serial_numbr}",
      "p:3:15: there is no such variable; did you mean 'device.serial_number'?"
    ),
    (
      "name: x\nensure:\n  Device.A.B: {type: xsd:uint, value: 1}",
      "p:3:22: there is no such type; did you mean 'xsd:int'?"
    ),
    (
      "name: x\nensure:\n  Device.A.B: {type: xsd:int, value: 1x}",
      "p:3:38: the value is none of xsd:int; write a value of that type, or leave the type out"
    ),
    (
      "name: x\nrefresh:\n  - {path: Device.A., max_age: 10s}",
      "p:3:32: this is no age; write a number with s, m, h or d, from 60s to 366d, such as 30m"
    ),
    (
      "name: x\nrefresh:\n  - Device.A.",
      "p:3:5: an item of 'refresh' must be a mapping, this is a single value; write 'key: value' lines"
    ),
    (
      "name: x\nensure:\n  Device.A.Password: [secret]",
      "p:3:22: a value must be a text, a number or a boolean, this is a list; write '' for no text"
    ),
  ]

  @Test(arguments: mistakes)
  func `a mistake is told with its place and how to mend it`(text: String, message: String) {
    do throws(PolicyError) {
      _ = try PolicyDocument.parse(text, file: "p")
      Issue.record("read without an error: \(text)")
    } catch {
      #expect(error.description == message)
    }
  }

  @Test func `what is no YAML is told with its place`() {
    #expect(throws: PolicyError.self) { try PolicyDocument.parse("name: [x", file: "p") }
    #expect(throws: PolicyError.self) { try PolicyDocument.parse("", file: "p") }
    #expect(throws: PolicyError.self) { try PolicyDocument.parse("name: a\n---\nname: b", file: "p") }
  }

  @Test(arguments: [
    ("Acme", "Acme", true), ("Acme", "acme", false), ("A*", "A", true), ("*", "", true), ("*x*y", "axbyy", true),
    ("*x*y", "axb", false), ("a*b*c", "abcbc", true), ("", "a", false), ("a", "", false), ("**", "z", true),
  ])
  func `a star stands for any characters`(pattern: String, text: String, fits: Bool) {
    #expect(Glob(pattern).matches(text) == fits)
  }

  @Test func `a glob of many stars takes no exponential time`() {
    #expect(!Glob(String(repeating: "a*", count: 60) + "b").matches(String(repeating: "a", count: 2_000)))
  }

  @Test func `every key of match must fit, of a list one`() throws {
    let policy = try PolicyDocument.parse(
      """
      name: x
      match: {oui: [aabbcc, "00*"], tags: [gold, "trial-*"], software_version: 2.*, root: Device}
      refresh: [{path: Device.A., max_age: 1h}]
      """)
    var facts = DeviceFacts()
    facts.oui = "00D09E"
    facts.tags = ["red", "trial-7"]
    facts.softwareVersion = "2.1"
    facts.root = .device
    #expect(policy.match.holds(for: facts))
    facts.oui = "AABBCC"
    #expect(policy.match.holds(for: facts), "an OUI has no case (item 80)")
    facts.tags = ["red"]
    #expect(!policy.match.holds(for: facts))
    facts.tags = ["gold"]
    facts.root = nil
    #expect(!policy.match.holds(for: facts))
  }
}
