import Fleet
import Testing

@testable import Northbound

@Suite("What a task would send is checked before it is queued")
struct TaskArgumentsTests {
  private func refusal(_ method: String, _ arguments: String) -> String? {
    guard case .object(let members)? = try? JSONValue.parse(Array(arguments.utf8)) else { return "no JSON" }
    do {
      _ = try TaskArguments.request(method, members)
      return nil
    } catch {
      #expect(error.kind == .invalidField)
      return error.field
    }
  }

  @Test(
    "Each method takes its arguments",
    arguments: [
      ("GetRPCMethods", "{}"),
      ("GetParameterNames", #"{"path":"","next_level":true}"#),
      ("GetParameterValues", #"{"names":["Device.","Device.A.*.B"]}"#),
      ("GetParameterAttributes", #"{"names":["Device.A"]}"#),
      ("SetParameterValues", #"{"parameters":[{"name":"Device.A","value":"1","type":"xsd:int"}],"parameter_key":"k"}"#),
      ("SetParameterAttributes", #"{"parameters":[{"name":"Device.A","notification":2,"access_list":[]}]}"#),
      ("AddObject", #"{"path":"Device.WiFi.SSID."}"#),
      ("DeleteObject", #"{"path":"Device.WiFi.SSID.3."}"#),
      ("Reboot", "{}"), ("FactoryReset", "{}"),
      ("Download", #"{"file_type":"1 Firmware Upgrade Image","url":"https://files.example.net/a.bin"}"#),
      ("ScheduleInform", #"{"delay_seconds":60}"#),
    ])
  func taken(_ method: String, _ arguments: String) {
    #expect(refusal(method, arguments) == nil)
  }

  @Test(
    "What CWMP cannot carry, or nobody meant, is refused with its place (item 145)",
    arguments: [
      ("Reeboot", "{}", "method"),
      ("Reboot", #"{"command_key":"x"}"#, "arguments.command_key"),
      ("GetParameterValues", "{}", "arguments.names"),
      ("GetParameterValues", #"{"names":[]}"#, "arguments.names"),
      ("GetParameterValues", #"{"names":["Device.A","Device..B"]}"#, "arguments.names[1]"),
      ("GetParameterValues", #"{"names":"Device."}"#, "arguments.names"),
      ("SetParameterValues", #"{"parameters":[{"name":"Device.A"}]}"#, "arguments.parameters[0].value"),
      ("SetParameterValues", #"{"parameters":[{"name":"Device.A.","value":"1"}]}"#, "arguments.parameters[0].name"),
      (
        "SetParameterValues", #"{"parameters":[{"name":"Device.A","value":"1","type":"int32"}]}"#,
        "arguments.parameters[0].type"
      ),
      (
        "SetParameterValues", #"{"parameters":[{"name":"Device.A","value":"1"},{"name":"Device.A","value":"2"}]}"#,
        "arguments.parameters[1].name"
      ),
      (
        "SetParameterValues",
        #"{"parameters":[{"name":"Device.A","value":"1"}],"parameter_key":"123456789012345678901234567890123"}"#,
        "arguments.parameter_key"
      ),
      (
        "SetParameterValues", #"{"parameters":[{"name":"Device.A","value":"\u0001"}]}"#, "arguments.parameters[0].value"
      ),
      ("SetParameterAttributes", #"{"parameters":[{"name":"Device.A"}]}"#, "arguments.parameters[0]"),
      (
        "SetParameterAttributes", #"{"parameters":[{"name":"Device.A","notification":7}]}"#,
        "arguments.parameters[0].notification"
      ),
      ("AddObject", #"{"path":"Device.WiFi.SSID"}"#, "arguments.path"),
      ("AddObject", #"{"path":"Device.WiFi.SSID.1."}"#, "arguments.path"),
      ("DeleteObject", #"{"path":"Device.WiFi.SSID."}"#, "arguments.path"),
      ("Download", #"{"file_type":"x","url":"file:///etc/passwd"}"#, "arguments.url"),
      ("Download", #"{"file_type":"x"}"#, "arguments.url"),
      ("ScheduleInform", #"{"delay_seconds":0}"#, "arguments.delay_seconds"),
      ("ScheduleInform", #"{"delay_seconds":-1}"#, "arguments"),
    ])
  func refused(_ method: String, _ arguments: String, _ place: String) {
    #expect(refusal(method, arguments) == place)
  }

  @Test("A URL of more than 256 characters and a name of more than 256 bytes are refused")
  func limits() {
    let long = String(repeating: "a", count: 250)
    #expect(refusal("Download", #"{"file_type":"x","url":"http://host/\#(long)"}"#) == "arguments.url")
    #expect(refusal("GetParameterValues", #"{"names":["Device.\#(long)"]}"#) == "arguments.names[0]")
  }

  @Test("Passwords, secret parameters and user names in URLs are masked where a task is shown")
  func masking() {
    let transfer = TaskRequest.download(
      TaskRequest.Transfer(fileType: "1", url: "ftp://joe:pw@host/p@th", username: "joe", password: "pw"))
    let shown = String(decoding: TaskRecord.masked("Download", transfer.arguments), as: UTF8.self)
    #expect(shown.contains(#""url":"ftp://********@host/p@th""#))
    #expect(!shown.contains(#""pw""#))
    let plain = TaskRequest.setParameterValues([TaskRequest.Setting(name: "Device.A", value: "1")])
    #expect(TaskRecord.masked("SetParameterValues", plain.arguments) == plain.arguments)
  }
}
