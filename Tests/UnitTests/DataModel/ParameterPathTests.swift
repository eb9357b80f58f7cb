import DataModel
import Testing

@Suite struct ParameterPathTests {
  @Test func `a parameter has no final dot, an object has one, the empty path is the root (item 122)`() throws {
    #expect(try !ParameterPath("Device.DeviceInfo.UpTime").isObject)
    #expect(try ParameterPath("Device.WiFi.").isObject)
    #expect(ParameterPath.root.isObject)
    #expect(try ParameterPath("") == .root)
  }

  @Test func `a parent is the enclosing object, up to the root`() throws {
    #expect(try ParameterPath("Device.WiFi.Radio.1.Channel").parent.text == "Device.WiFi.Radio.1.")
    #expect(try ParameterPath("Device.WiFi.Radio.1.").parent.text == "Device.WiFi.Radio.")
    #expect(try ParameterPath("Device.").parent == .root)
    #expect(ParameterPath.root.parent == .root)
  }

  @Test(arguments: [
    "Device..X", ".Device", "Device.a b", "Device.[lan.X", "Device.[].X", "Device.x[1].Y", "Device.\u{7}",
  ])
  func `what we send is checked`(text: String) {
    #expect(throws: ParameterPathError.self) { try ParameterPath(text) }
  }

  @Test func `a path has at most 256 bytes (item 145)`() throws {
    let name = String(repeating: "x", count: 249)
    #expect(try ParameterPath("Device." + name).text.utf8.count == 256)
    #expect(throws: ParameterPathError.self) { try ParameterPath("Device.x" + name) }
    #expect(ParameterPath(reported: "Device.x" + name) == nil)
  }

  @Test func `spaces around a reported name and a leading dot are forgiven (Q29, Q30)`() {
    #expect(ParameterPath(reported: "Device.X.Y \n")?.text == "Device.X.Y")
    #expect(ParameterPath(reported: " Device.X.Y")?.text == "Device.X.Y")
    #expect(ParameterPath(reported: ".Ext.Y")?.text == ".Ext.Y")
    #expect(ParameterPath(reported: "nodot") == nil)
    #expect(ParameterPath(reported: "") == nil)
    #expect(ParameterPath(reported: "Device.\u{1}X") == nil)
  }

  @Test func `an object contains what begins with it, a parameter only itself`() throws {
    let radio = try ParameterPath("Device.WiFi.Radio.")
    #expect(radio.contains(try ParameterPath("Device.WiFi.Radio.1.Channel")))
    #expect(radio.contains(radio))
    #expect(!radio.contains(try ParameterPath("Device.WiFi.RadioNumberOfEntries")))
    #expect(ParameterPath.root.contains(radio))
    let channel = try ParameterPath("Device.WiFi.Radio.1.Channel")
    #expect(!channel.contains(try ParameterPath("Device.WiFi.Radio.1.ChannelsInUse")))
  }

  @Test func `a star stands for one instance, a number or an alias, and for no other name (item 144)`() throws {
    let pattern = try ParameterPath("Device.WiFi.Radio.*.Channel")
    #expect(pattern.hasWildcard)
    #expect(pattern.matches(try ParameterPath("Device.WiFi.Radio.12.Channel")))
    #expect(pattern.matches(try ParameterPath("Device.WiFi.Radio.[five].Channel")))
    #expect(!pattern.matches(try ParameterPath("Device.WiFi.Radio.1.Enable")))
    #expect(!pattern.matches(try ParameterPath("Device.WiFi.Radio.Stats.Channel")))
    #expect(try ParameterPath("Device.WiFi.Radio.*.").matches(try ParameterPath("Device.WiFi.Radio.1.Stats.Bytes")))
    #expect(try ParameterPath("Device.[lan].X").hasAlias)
  }

  @Test func `the root model is told from the parameters alone (item 99)`() throws {
    #expect(RootDataModel.detect(in: [try ParameterPath("InternetGatewayDevice.X.Y")]) == .internetGatewayDevice)
    #expect(RootDataModel.detect(in: [try ParameterPath("X.Y"), try ParameterPath("Device.Z")]) == .device)
    #expect(RootDataModel.detect(in: [try ParameterPath("DeviceX.Y")]) == nil)
  }

  @Test(
    arguments: [
      "Device.ManagementServer.Password", "Device.ManagementServer.ConnectionRequestPassword",
      "Device.WiFi.AccessPoint.1.Security.KeyPassphrase", "Device.WiFi.AccessPoint.1.Security.PreSharedKey",
      "InternetGatewayDevice.LANDevice.1.WLANConfiguration.1.WEPKey.1.WEPKey",
      "InternetGatewayDevice.LANDevice.1.WLANConfiguration.1.PreSharedKey.1.KeyPassphrase",
      "Device.WiFi.AccessPoint.1.Security.RadiusSecret", "Device.Users.User.1.Password",
      "Device.PPP.Interface.1.Password", "Device.X.1.WEPKey4", "Device.X.KEY",
    ])
  func `names of hidden parameters are secret (item 115)`(text: String) throws {
    #expect(try ParameterPath(text).isSecret)
  }

  @Test(
    arguments: [
      "Device.ManagementServer.Username", "Device.ManagementServer.ParameterKey", "Device.ManagementServer.URL",
      "Device.WiFi.AccessPoint.1.Security.ModeEnabled", "Device.Users.User.1.Password.", "Device.Monkey",
    ])
  func `other names are not`(text: String) throws {
    #expect(try !ParameterPath(text).isSecret)
  }
}
