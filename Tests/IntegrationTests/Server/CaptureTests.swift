import CWMP
import Fleet
import HTTP
import Networking
import Testing

@Suite("Captured sessions of other clients, replayed", .serialized, .timeLimit(.minutes(5)))
struct CaptureTests {
  /// What makes our ACS ask what theirs asked.
  private static let tasks = [
    "GetRPCMethodsResponse": #"{"method":"GetRPCMethods"}"#,
    "GetParameterNamesResponse": #"{"method":"GetParameterNames","arguments":{"path":"","next_level":true}}"#,
    "GetParameterValuesResponse": #"{"method":"GetParameterValues","arguments":{"names":["Device.DeviceInfo."]}}"#,
    "SetParameterValuesResponse": """
    {"method":"SetParameterValues","arguments":{"parameters":[{"name":"Device.A","value":"b","type":"xsd:string"}]}}
    """,
    "GetParameterAttributesResponse": #"{"method":"GetParameterAttributes","arguments":{"names":["Device.A"]}}"#,
    "SetParameterAttributesResponse": """
    {"method":"SetParameterAttributes","arguments":{"parameters":[{"name":"Device.A","notification":1}]}}
    """,
    "AddObjectResponse": #"{"method":"AddObject","arguments":{"path":"Device.A."}}"#,
    "DeleteObjectResponse": #"{"method":"DeleteObject","arguments":{"path":"Device.A.1."}}"#,
    "RebootResponse": #"{"method":"Reboot"}"#,
    "DownloadResponse": """
    {"method":"Download","arguments":{"file_type":"1 Firmware Upgrade Image","url":"http://127.0.0.1/image"}}
    """,
    "Fault": #"{"method":"GetParameterValues","arguments":{"names":["Device.Nothing"]}}"#,
  ]

  @Test(
    "each client's requests in order, with our cookies and ids, are all taken, and its tasks end as it answered them")
  func replay() async throws {
    let settings = "worker: {session_timeout: 600s}"
    try await TestCluster.with(.postgresql, roles: ["worker", "northbound", "gateway"], settings: settings) { cluster in
      let runs = try CapturedRequest.runs()
      #expect(runs.count == 16)
      var sessions = 0
      var clients: [String: Replay] = [:]
      for run in runs {
        let inform = try #require(run.requests.first)
        let identity = try Replay.identity(inform)
        if clients[identity] == nil {
          clients[identity] = Replay(cluster, identity)
          try await clients[identity]?.register(inform)
        }
        let replay = try #require(clients[identity])
        let starts = run.requests.indices.filter { run.requests[$0].kind == "Inform" }
        #expect(starts.first == 0, "\(run.name)")
        for (index, start) in starts.enumerated() {
          let end = index + 1 < starts.count ? starts[index + 1] : run.requests.count
          try await replay.session(Array(run.requests[start..<end]), Self.tasks)
          sessions += 1
        }
      }
      #expect(sessions == 27)
    }
  }
}

/// One client's way through its sessions.
private struct Replay {
  private let cluster: TestCluster
  private let client: TestCPE
  private let identity: String

  init(_ cluster: TestCluster, _ identity: String) {
    self.cluster = cluster
    self.identity = identity
    client = TestCPE(cluster, serial: identity)
  }

  /// Who informs.
  static func identity(_ inform: CapturedRequest) throws -> String {
    try #require(try EnvelopeParser().parse(Array(inform.body.utf8)).inform).deviceID.canonicalIdentity
  }

  /// A first session, with the bootstrap credential, so that tasks can be queued for the next.
  func register(_ inform: CapturedRequest) async throws {
    let answer = try await client.post(Array(inform.body.utf8), cookie: nil, fields: inform.fields)
    #expect(answer.status == .ok, "\(inform.name): \(String(decoding: answer.body.prefix(300), as: UTF8.self))")
    _ = try await client.work()
  }

  func session(_ requests: [CapturedRequest], _ tasks: [String: String]) async throws {
    var queued: [(name: String, task: String)] = []
    for request in requests {
      guard let task = tasks[request.kind] else { continue }
      // An identity holds escapes of its own, which a path escapes once more.
      let device = identity.split(separator: "%", omittingEmptySubsequences: false).joined(separator: "%25")
      let (status, text) = try await cluster.api("/devices/\(device)/tasks", method: "POST", body: task)
      #expect(status == .accepted, "\(request.name): \(text)")
      queued.append((request.name, text.split(separator: "\"").dropFirst(3).first.map(String.init) ?? ""))
    }
    var answer: TestCPE.Answer?
    for request in requests {
      if tasks[request.kind] != nil { answer = try await prepared(answer, request) }
      let body = try request.body(answering: tasks[request.kind] == nil ? nil : answer?.id)
      answer = try await client.post(
        body, cookie: request.hasCookie ? client.cookie : nil, fields: request.fields)
      let status = try #require(answer).status
      #expect(status == .ok || status == .noContent, "\(request.name): \(status)")
    }
    while let request = answer?.request {
      answer = try await client.answer(TestCPE.response(to: request), answer?.id)
    }
    for (name, task) in queued {
      let state = try await cluster.api("/tasks/\(task)").1
      let isDone = ["succeeded", "accepted", "failed", "dead"].contains { state.contains("\"state\":\"\($0)\"") }
      // A client that faults means it: the fault is the task's.
      #expect(isDone || state.contains(#""code":9"#) || state.contains(#""code":8"#), "\(name): \(state)")
    }
  }

  /// What our ACS asks first for reasons of its own (the instances before an AddObject) is answered here.
  private func prepared(_ answer: TestCPE.Answer?, _ next: CapturedRequest) async throws -> TestCPE.Answer? {
    var answer = answer
    while let request = answer?.request, next.kind == "AddObjectResponse", request.method == .getParameterNames {
      answer = try await client.answer(TestCPE.response(to: request), answer?.id)
    }
    #expect(answer?.request != nil, "\(next.name): our ACS asked nothing")
    return answer
  }
}
