import CWMP
import DataModel
import Testing

@Suite("Secrets are not shown")
struct RedactionTests {
  private func redacted(_ text: String) -> String {
    String(decoding: Redaction.redacted(Array(text.utf8)), as: UTF8.self)
  }

  @Test(
    "which names are secret",
    arguments: [
      ("Device.ManagementServer.Password", true), ("Device.ManagementServer.ConnectionRequestPassword", true),
      ("Device.WiFi.AccessPoint.1.Security.KeyPassphrase", true), ("Device.WiFi.AccessPoint.1.Security.WEPKey", true),
      ("InternetGatewayDevice.LANDevice.1.WLANConfiguration.1.WEPKey.1.WEPKey", true),
      ("InternetGatewayDevice.LANDevice.1.WLANConfiguration.1.PreSharedKey.1.PreSharedKey", true),
      ("Device.X_00AABB_AdminPassword", true), ("Password", true), ("WEPKey.1", true),
      ("Device.ManagementServer.URL", false), ("Device.ManagementServer.ParameterKey", false), ("CommandKey", false),
      ("Device.Cellular.Interface.1.USIM.PIN", true), ("Device.X.Radio.1.Key2", true),
      ("Device.DHCPv4.Server.Pool.1.Mapping", false), ("Device.IP.Diagnostics.IPPing", false),
      ("Device.ManagementServer.Username", false), ("", false), ("1", false), ("Device.", false),
    ])
  func names(name: String, isSecret: Bool) {
    #expect(SecretParameters.isSecret(name) == isSecret)
  }

  @Test(
    "what a twin does not keep, logs do not show",
    arguments: [
      "AuthPassword", "CertPrivateKey", "EncryptionKey", "InboundAuthPassword", "KeyPassphrase", "KeyValue", "PIN",
      "PreSharedKey", "RadiusSecret", "SAEPassphrase", "SharedSecret", "STUNPassword", "WEPKey", "PUK", "Key", "PSK",
      "AuthenticationKey", "SecurityKey", "SessionKey", "AccessToken", "APIKey", "PINCode", "WEPKey128bit",
    ])
  func lists(name: String) throws {
    #expect(try ParameterPath("Device.X.1.\(name)").isSecret && SecretParameters.isSecret("Device.X.1.\(name)"))
  }

  @Test("secret values and arguments become ***, all else stays byte for byte")
  func message() {
    let values: [ParameterValue] = [
      ParameterValue("Device.ManagementServer.Password", "hush"), ParameterValue("Device.A", "shown & kept"),
    ]
    let text = String(
      decoding: EnvelopeWriter(namespace: .cwmp10).request(.setParameterValues(values, parameterKey: "k"), id: "1"),
      as: UTF8.self)
    #expect(redacted(text) == text.replacing(">hush<", with: ">***<"))
    let download = DownloadArguments(commandKey: "c", fileType: "f", url: "http://x/", password: "hush")
    let request = EnvelopeWriter(namespace: .cwmp10).request(.download(download), id: "1")
    #expect(redacted(String(decoding: request, as: UTF8.self)).contains("<Password>***</Password>"))
  }

  @Test("neither prefixes, CDATA, comments, references in a name nor a cut message let one out")
  func hiding() {
    for text in [
      "<x:Name>A.Password</x:Name><x:Value t='1'>hush</x:Value>",
      "<Name>A.Password</Name><Value><![CDATA[hush]]></Value>",
      "<Name><![CDATA[A.Password]]></Name><Value>hu<!-- hush -->sh hush</Value>",
      "<Name>A.&#80;assword</Name><Value>hush</Value>", "<Name> A.Password\n</Name><Value>\nhush\n</Value>",
      "<Name>A.Password</Name><Value><![CDATA[hush", "<Name>A.Password</Name><Value><!-- hush", "<Password>hush",
      "<P><Name>A.B</Name><Value>b</Value></P><P><Value>hush</Value><Name>A.Password</Name></P>",
      "<ParameterValueStruct><Value>hush</Value><Name>A.PIN</Name></ParameterValueStruct>",
      "<P><Name>A.B</Name><Value/></P>"
        + "<ParameterValueStruct><Value>hush</Value><Name>A.PIN</Name></ParameterValueStruct>",
    ] {
      #expect(!redacted(text).contains("hush"), "\(text)")
    }
  }

  @Test("what logs print of values and arguments holds no secret")
  func descriptions() {
    #expect("\(ParameterValue("Device.ManagementServer.Password", "hush"))" == "Device.ManagementServer.Password=***")
    let set = CWMPRequest.setParameterValues([ParameterValue("A.Password", "hush")], parameterKey: "")
    #expect(!"\(set)".contains("hush"))
    #expect(
      !"\(DownloadArguments(commandKey: "c", fileType: "f", url: "http://x/", password: "hush"))".contains("hush"))
  }
}
