import CWMP
import Testing

@testable import CPESimulator

/// A TR-181 CPE that nothing has happened to.
func freshCPE(index: UInt32 = 0) throws -> CPEState {
  let acs = try #require(ACSAddress("http://acs.example:7547/acs"))
  let environment = CPEEnvironment(
    acs: acs, callbackPort: 7000, bootstrap: ACSCredentials(username: "b", password: "s"))
  return CPEState(
    identity: CPEIdentity(index: index), model: try DeviceModel.builtIn(.tr181), environment: environment)
}

@Suite("A simulated CPE's answers to RPCs (cwmp.md tables 2.1 and 2.6)")
struct SimulatedRPCTests {
  private func fault(_ request: CWMPRequest, _ cpe: inout CPEState) -> CWMPFault? {
    if case .fault(let fault) = cpe.execute(request, now: 0) { fault } else { nil }
  }

  @Test(
    "unknown names are 9005, in whatever RPC",
    arguments: [
      CWMPRequest.getParameterValues(names: ["Device.Nothing"]),
      .getParameterNames(path: "Device.Nothing.", nextLevel: true),
      .getParameterAttributes(names: ["Device.WiFi.SSID.9.SSID"]),
      .addObject(path: "Device.WiFi.Radio.", parameterKey: ""),
      .deleteObject(path: "Device.WiFi.SSID.9.", parameterKey: ""),
      .addObject(path: "Device.WiFi.SSID.1.", parameterKey: ""),
      .setParameterAttributes([AttributeChange("Device.Nothing", notification: 1)]),
    ])
  func unknownNames(_ request: CWMPRequest) throws {
    var cpe = try freshCPE()
    #expect(fault(request, &cpe)?.code == 9005)
  }

  @Test("SetParameterValues sets all or nothing, and names each parameter at fault (items 130, 132)")
  func setIsAtomic() throws {
    var cpe = try freshCPE()
    let good = ParameterValue("Device.DeviceInfo.ProvisioningCode", "x")
    let found = fault(
      .setParameterValues(
        [
          good, ParameterValue("Device.Nothing", "1"),
          ParameterValue("Device.DeviceInfo.UpTime", "1", type: .unsignedInt),
          ParameterValue("Device.Time.Enable", "maybe", type: .boolean), ParameterValue("Device.IP.IPv4Enable", "1"),
        ], parameterKey: "k"), &cpe)
    #expect(found?.code == 9003)
    #expect(found?.parameters.map(\.code) == [9005, 9008, 9007, 9006])
    #expect(cpe.data.values.isEmpty)
    #expect(
      cpe.execute(.setParameterValues([good], parameterKey: "k"), now: 0) == .response(.setParameterValues(status: 0)))
    #expect(cpe.value(at: cpe.model.known.parameterKey, now: 0) == "k")
  }

  @Test("a parameter named twice is 9003 (item 131)")
  func namedTwice() throws {
    var cpe = try freshCPE()
    let value = ParameterValue("Device.DeviceInfo.ProvisioningCode", "x")
    #expect(fault(.setParameterValues([value, value], parameterKey: ""), &cpe)?.parameters.map(\.code) == [9003])
  }

  @Test("passwords read as empty (item 115)")
  func hidden() throws {
    var cpe = try freshCPE()
    let path = "Device.ManagementServer.Password"
    #expect(
      cpe.execute(.getParameterValues(names: [path]), now: 0)
        == .response(.getParameterValues([ParameterValue(path, "")])))
    #expect(cpe.credentials.password == "s")
  }

  @Test(
    "GetParameterNames tells what can be added, deleted and set (item 124); NextLevel of a parameter is 9003 (item 123)"
  )
  func names() throws {
    var cpe = try freshCPE()
    guard
      case .response(.getParameterNames(let root)) = cpe.execute(.getParameterNames(path: "", nextLevel: true), now: 0),
      case .response(.getParameterNames(let users)) = cpe.execute(
        .getParameterNames(path: "Device.Users.", nextLevel: false), now: 0)
    else {
      Issue.record("no names")
      return
    }
    #expect(Array(root) == [ParameterInfo("Device.", writable: false)])
    #expect(users.contains(ParameterInfo("Device.Users.User.", writable: true)))
    #expect(users.contains(ParameterInfo("Device.Users.User.1.", writable: true)))
    #expect(users.contains(ParameterInfo("Device.Users.UserNumberOfEntries", writable: false)))
    let parameter = CWMPRequest.getParameterNames(path: "Device.DeviceInfo.ModelName", nextLevel: true)
    #expect(fault(parameter, &cpe)?.code == 9003)
  }

  @Test("numbers of entries follow the instances")
  func counts() throws {
    var cpe = try freshCPE()
    let path = "Device.NAT.PortMappingNumberOfEntries"
    let added = cpe.execute(.addObject(path: "Device.NAT.PortMapping.", parameterKey: ""), now: 0)
    #expect(added == .response(.addObject(instanceNumber: 1, status: 0)))
    #expect(
      cpe.execute(.getParameterValues(names: [path]), now: 0)
        == .response(.getParameterValues([ParameterValue(path, "1", type: .unsignedInt)])))
  }

  @Test("Reboot, FactoryReset, Download and ScheduleInform wait for the session's end (item 166)")
  func postponed() throws {
    var cpe = try freshCPE()
    let download = DownloadArguments(commandKey: "d", fileType: "1 Firmware Upgrade Image", url: "http://a/b")
    _ = cpe.execute(.reboot(commandKey: "r"), now: 0)
    _ = cpe.execute(.factoryReset, now: 0)
    #expect(cpe.execute(.download(download), now: 0) == .response(.download(TransferStatus(status: 1))))
    _ = cpe.execute(.scheduleInform(delaySeconds: 3, commandKey: "i"), now: 0)
    #expect(
      cpe.takePostponed() == [
        .reboot(commandKey: "r"), .factoryReset, .download(download), .inform(delaySeconds: 3, commandKey: "i"),
      ])
    #expect(fault(.scheduleInform(delaySeconds: 0, commandKey: ""), &cpe)?.code == 9003)
    var ftp = download
    ftp.url = "ftp://a/b"
    #expect(fault(.download(ftp), &cpe)?.code == 9013)
    #expect(fault(.upload(UploadArguments(commandKey: "", fileType: "", url: "")), &cpe)?.code == 9000)
  }

  @Test("attributes: out of range is 9003, refused notification 9009, forced stays (items 138-140)")
  func attributes() throws {
    var cpe = try freshCPE()
    func set(_ path: String, _ notification: Int, _ cpe: inout CPEState) -> Int? {
      fault(.setParameterAttributes([AttributeChange(path, notification: notification)]), &cpe)?.code
    }
    #expect(set("Device.DeviceInfo.ModelName", 7, &cpe) == 9003)
    #expect(set("Device.DeviceInfo.UpTime", 2, &cpe) == 9009)
    #expect(set("Device.DeviceInfo.SoftwareVersion", 0, &cpe) == nil)
    #expect(set("Device.DeviceInfo.ModelName", 2, &cpe) == nil)
    #expect(
      cpe.execute(
        .getParameterAttributes(names: ["Device.DeviceInfo.SoftwareVersion", "Device.DeviceInfo.ModelName"]), now: 0)
        == .response(
          .getParameterAttributes([
            ParameterAttributes("Device.DeviceInfo.SoftwareVersion", notification: 2),
            ParameterAttributes("Device.DeviceInfo.ModelName", notification: 2),
          ])))
  }
}

@Suite("A simulated CPE's events (cwmp.md table 2.4)")
struct CPEEventTests {
  @Test("BOOTSTRAP discards other undelivered events; a single event does not stand twice")
  func bootstrap() throws {
    var cpe = try freshCPE()
    cpe.raise(.periodic)
    cpe.raise(.periodic)
    #expect(cpe.events.count == 1)
    cpe.factoryReset(now: 0)
    #expect(cpe.events.map(\.code) == [.bootstrap, .boot])
  }

  @Test("a failed session keeps its events but the connection request, and counts")
  func failed() throws {
    var cpe = try freshCPE()
    cpe.raise(.periodic)
    cpe.raise(.connectionRequest)
    cpe.sessionFailed()
    #expect(cpe.events.map(\.code) == [.periodic])
    #expect(cpe.retryCount == 1)
  }

  @Test("7 TRANSFER COMPLETE and M Download are delivered by TransferCompleteResponse only (item 86)")
  func transfer() throws {
    var cpe = try freshCPE()
    cpe.transferEnded(TransferComplete(commandKey: "d"), newVersion: "2.0.0", now: 5)
    #expect(cpe.events.map(\.code) == [.transferComplete, .download, .boot, .valueChange])
    cpe.informDelivered()
    #expect(cpe.events.map(\.code) == [.transferComplete, .download])
    cpe.transferDelivered()
    #expect(cpe.events.isEmpty)
  }

  @Test("firmware survives a factory reset, credentials do not")
  func factoryReset() throws {
    var cpe = try freshCPE()
    cpe.data.write("own", at: cpe.model.known.password)
    cpe.data.write("9.9", at: cpe.model.known.softwareVersion)
    cpe.factoryReset(now: 0)
    #expect(cpe.credentials.password == "s")
    #expect(cpe.value(at: cpe.model.known.softwareVersion, now: 0) == "9.9")
  }
}
