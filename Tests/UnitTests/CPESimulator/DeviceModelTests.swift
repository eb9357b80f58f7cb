import CWMP
import Testing

@testable import CPESimulator

@Suite("Simulated data models")
struct DeviceModelTests {
  @Test(
    "both models have some hundreds of parameters, and the standard's forced ones",
    arguments: DeviceModel.BuiltIn.allCases)
  func builtIn(_ kind: DeviceModel.BuiltIn) throws {
    let model = try DeviceModel.builtIn(kind)
    #expect((300...700).contains(model.parameterCount))
    #expect(model.forced.allSatisfy { model.node($0).parameter != nil })
    for address in DeviceData().parameters(below: NodeAddress(node: 0), in: model) {
      #expect(model.address(of: model.path(of: address)) == address)
    }
  }

  @Test(
    "paths lead where they should, objects only with a trailing dot",
    arguments: [
      ("", true), ("Device.", true), ("Device", false), ("Device.WiFi.SSID.", true), ("Device.WiFi.SSID", false),
      ("Device.WiFi.SSID.2.", true), ("Device.WiFi.SSID.2.SSID", true), ("Device.WiFi.SSID.02.SSID", false),
      ("Device.WiFi.SSID.0.", false), ("Device.DeviceInfo.SoftwareVersion.", false), ("Device..", false),
      ("InternetGatewayDevice.", false), ("Device.WiFi.SSID.x.SSID", false),
    ])
  func paths(_ path: String, _ exists: Bool) throws {
    #expect((try DeviceModel.builtIn(.tr181).address(of: path) != nil) == exists)
  }

  @Test(
    "a text with a fault is refused with its line",
    arguments: [
      ("DeviceInfo.", 1), ("root Device\nDeviceInfo.\n  A string x", 3), ("root Device\n  A strange r", 2),
      ("root Device\nT.{1.\n", 2), ("root Device\n  A string r\n  A string r", 3),
    ])
  func malformed(_ text: String, _ line: Int) {
    #expect { try DeviceModel(name: "x", text: text, forced: []) } throws: { error in
      (error as? ModelError)?.line == line
    }
  }

  @Test("instances are added with new numbers, deleted with what was written below them, and never numbered again")
  func instances() throws {
    let model = try DeviceModel.builtIn(.tr181)
    var data = DeviceData()
    let table = try #require(model.address(of: "Device.WiFi.SSID."))
    #expect(data.instances(of: table, in: model) == [1, 2, 3, 4])
    #expect(data.add(to: table, in: model) == 5)
    let ssid = try #require(model.address(of: "Device.WiFi.SSID.5.SSID"))
    data.write("x", at: ssid)
    data.delete(try #require(model.address(of: "Device.WiFi.SSID.5.")), in: model)
    #expect(data.values.isEmpty)
    #expect(!data.contains(ssid, in: model))
    #expect(data.add(to: table, in: model) == 6)
    #expect(data.instances(of: table, in: model) == [1, 2, 3, 4, 6])
  }
}
