import CWMP
import Cryptography
import HTTP

/// A CPE whose every POST a test writes itself: over real HTTP, with Basic.
final class TestCPE {
  let id: DeviceID
  var user: String
  var password: String
  private let cluster: TestCluster
  private let writer = CPEEnvelopeWriter()
  private let parser = EnvelopeParser(side: .cpe)
  private(set) var cookie: String?

  init(_ cluster: TestCluster, serial: String) {
    self.cluster = cluster
    id = DeviceID(manufacturer: "Test", oui: "00D09E", productClass: "Box", serialNumber: serial)
    user = TestCluster.bootstrap.user
    password = TestCluster.bootstrap.password
  }

  var identity: String { id.canonicalIdentity }

  /// What an answer is.
  struct Answer {
    var status: HTTPStatus
    var body: [UInt8]
    var request: CWMPRequest?
    var id: [UInt8]?
  }

  /// Sends an Inform and keeps the session's cookie.
  @discardableResult
  func inform(
    _ events: [EventStruct] = [EventStruct(.periodic)], url: String = "http://127.0.0.1:7/", to gateway: Int = 0,
    version: String = "1.0", retry: UInt32 = 0
  ) async throws -> Answer {
    try await post(informBody(events, url: url, version: version, retry: retry), to: gateway, cookie: nil)
  }

  /// An Inform's body.
  func informBody(
    _ events: [EventStruct] = [EventStruct(.periodic)], url: String = "http://127.0.0.1:7/", version: String = "1.0",
    retry: UInt32 = 0
  ) -> [UInt8] {
    let inform = Inform(
      deviceID: id, events: events, retryCount: retry,
      parameters: [
        ParameterValue("Device.DeviceInfo.SoftwareVersion", version),
        ParameterValue("Device.ManagementServer.ConnectionRequestURL", url),
        ParameterValue("Device.ManagementServer.ParameterKey", ""),
      ])
    return writer.inform(inform, id: "1")
  }

  /// A response's body.
  func body(of response: CPEResponse, _ id: [UInt8]?) -> [UInt8] { writer.response(response, id: id) }

  /// A request's body.
  func body(of request: CPERequest) -> [UInt8] { writer.request(request, id: "77") }

  /// A POST as it is on the wire.
  func bytes(of body: [UInt8], cookie: String? = nil) -> [UInt8] {
    let proof = Base64.encode(Array("\(user):\(password)".utf8).span)
    var lines = [
      "POST / HTTP/1.1", "Host: 127.0.0.1", "Content-Type: text/xml; charset=utf-8", "Authorization: Basic \(proof)",
    ]
    if let cookie { lines.append("Cookie: \(cookie)") }
    lines += ["Content-Length: \(body.count)", "", ""]
    let head = lines.joined(separator: "\r\n")
    return Array(head.utf8) + body
  }

  /// Sends an empty POST in the session.
  func empty(to gateway: Int = 0) async throws -> Answer { try await post([], to: gateway, cookie: cookie) }

  /// Answers an RPC in the session.
  func answer(_ response: CPEResponse, _ id: [UInt8]?, to gateway: Int = 0) async throws -> Answer {
    try await post(writer.response(response, id: id), to: gateway, cookie: cookie)
  }

  /// Sends a request of the CPE's own in the session.
  func request(_ request: CPERequest, to gateway: Int = 0) async throws -> Answer {
    try await post(writer.request(request, id: "77"), to: gateway, cookie: cookie)
  }

  /// Does what is asked until nothing is, and returns what was asked.
  func work(gateways: Int = 1) async throws -> [CWMPRequest] {
    var asked: [CWMPRequest] = []
    var number = 1
    var answer = try await empty(to: number % gateways)
    while let request = answer.request {
      asked.append(request)
      learn(request)
      number += 1
      answer = try await self.answer(Self.response(to: request), answer.id, to: number % gateways)
    }
    guard answer.status == .noContent else { throw NeverHappened(what: "204, but \(answer.status)") }
    return asked
  }

  /// New credentials come into use with the next session.
  private func learn(_ request: CWMPRequest) {
    guard case .setParameterValues(let values, _) = request else { return }
    for value in values {
      if value.name.hasSuffix("ManagementServer.Username") { user = value.value }
      if value.name.hasSuffix("ManagementServer.Password") { password = value.value }
    }
  }

  static func response(to request: CWMPRequest) -> CPEResponse {
    switch request {
    case .getParameterValues(let names):
      .getParameterValues(ParameterList(names.map { ParameterValue($0, "value of \($0)") }))
    case .setParameterValues: .setParameterValues(status: 0)
    case .reboot: .reboot
    case .factoryReset: .factoryReset
    case .addObject: .addObject(instanceNumber: 1, status: 0)
    case .deleteObject: .deleteObject(status: 0)
    case .getParameterNames: .getParameterNames([])
    case .download: .download(TransferStatus(status: 1))
    default: .getRPCMethods(["GetRPCMethods"])
    }
  }

  /// Any POST.
  func post(
    _ body: [UInt8], to gateway: Int = 0, cookie: String?, fields: [(name: String, value: String)] = []
  ) async throws -> Answer {
    var request = HTTPClientRequest(url: "http://127.0.0.1:\(await cluster.server("gateway", gateway).cwmp)/")
    request.method = "POST"
    request.fields = fields.isEmpty ? [("Content-Type", "text/xml; charset=utf-8")] : fields
    if let cookie { request.fields.append(("Cookie", cookie)) }
    request.body = body
    request.credentials = HTTPClientRequest.Credentials(user: user, password: password, usesDigest: false)
    request.deadline = .seconds(25)
    request.responseLimit = 1 << 20
    let response = try await cluster.http.execute(request)
    if let set = response["set-cookie"] ?? response["Set-Cookie"] {
      self.cookie = set.split(separator: ";").first.map(String.init)
    }
    var answer = Answer(status: response.status, body: response.body)
    if response.status == .ok, let envelope = try? parser.parse(response.body) {
      answer.id = envelope.id
      if case .acsRequest(let request) = envelope.message { answer.request = request }
    }
    return answer
  }
}
