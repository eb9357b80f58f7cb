import CWMP
import FoundationEssentials
import HTTP
public import Networking

/// Asks the server's API for what a verification compares.
public actor VerificationClient {
  /// The loop that it lives on.
  public nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  private let loop: EventLoop
  private let http: HTTPClient
  private let base: String
  private let token: String

  /// A client of an API.
  ///
  /// - Parameter api: Its URL without `/api/v1`.
  public init(api: String, token: String, on loop: EventLoop) throws {
    self.loop = loop
    self.token = token
    base = (api.hasSuffix("/") ? String(api.dropLast()) : api) + "/api/v1"
    http = try HTTPClient(loop: loop, maximumConcurrent: 8)
  }

  /// Compares each device of a history, also with what the event log holds of it.
  ///
  /// - Throws: ``FleetError`` if the API does not answer as it should, or the log does not go back so far.
  public func differences(of histories: [String: DeviceHistory]) async throws -> [Difference] {
    guard let begin = histories.values.compactMap(\.begin).min() else { return [] }
    var log = LogVerification(since: begin - 2 * Verification.clockTolerance) {
      [self] topic, part, offset, limit, values in
      let place = offset.map { "&offset=\($0)" } ?? ""
      let path = "/log/\(topic)?part=\(part)\(place)&limit=\(limit)&bodies=\(values)"
      guard let page = try await get(path, as: LogVerification.Page.self) else {
        throw FleetError("\(base)/log/\(topic): the API has no such topic")
      }
      return page
    }
    let held = try await log.read()
    var found: [Difference] = []
    for (identity, history) in histories.sorted(by: { $0.key < $1.key }) {
      let known = try await device(identity).map { id, device in
        var device = device
        device.log = held[id] ?? ServerDevice.Log()
        return device
      }
      found += Verification.differences(of: identity, history, known)
    }
    return found
  }

  /// Ends what is under way.
  public func close() async { await http.shutdown() }

  /// What the server knows of a device; nil if nothing.
  private func device(_ identity: String) async throws -> (id: String, known: ServerDevice)? {
    guard let detail = try await get("/devices/\(identity)", as: DeviceAnswer.self) else { return nil }
    var device = ServerDevice(
      lastInform: Self.milliseconds(detail.contact?.lastInform), softwareVersion: detail.softwareVersion)
    let list = try await get("/devices/\(identity)/parameters?view=list", as: ParametersAnswer.self)
    for parameter in list?.parameters ?? [] { device.parameters[parameter.name] = .some(parameter.value) }
    var cursor: String?
    repeat {
      let query = cursor.map { "&cursor=\($0)" } ?? ""
      let page = try await get("/devices/\(identity)/tasks?limit=1000\(query)", as: TasksAnswer.self)
      device.tasks += (page?.tasks ?? []).map { task in
        ServerDevice.Task(
          id: task.id, method: task.method, state: task.state, attempt: task.attempt,
          createdAt: Self.milliseconds(task.createdAt) ?? 0)
      }
      cursor = page?.nextCursor
    } while cursor != nil
    return (detail.id, device)
  }

  private func get<Answer: Decodable>(_ path: String, as type: Answer.Type) async throws -> Answer? {
    var request = HTTPClientRequest(url: base + path)
    request.fields = [("Authorization", "Bearer \(token)"), ("Accept", "application/json")]
    request.responseLimit = 64 << 20
    request.deadline = .seconds(30)
    request.reusesConnections = true
    let response = try await http.execute(request)
    if response.status == .notFound { return nil }
    guard response.status == .ok else {
      throw FleetError("\(base)\(path.prefix { $0 != "?" }): status \(response.status)")
    }
    do {
      let decoder = JSONDecoder()
      decoder.keyDecodingStrategy = .convertFromSnakeCase
      return try decoder.decode(Answer.self, from: Data(response.body))
    } catch {
      throw FleetError("\(base)\(path.prefix { $0 != "?" }): not the JSON that was expected")
    }
  }

  private static func milliseconds(_ time: String?) -> Int64? {
    time.flatMap { DateTimeText($0).microseconds }.map { $0 / 1_000 }
  }

  private struct DeviceAnswer: Decodable {
    struct Contact: Decodable { var lastInform: String? }
    var id: String
    var softwareVersion: String?
    var contact: Contact?
  }

  private struct ParametersAnswer: Decodable {
    struct Parameter: Decodable {
      var name: String
      var value: String?
    }
    var parameters: [Parameter]
  }

  private struct TasksAnswer: Decodable {
    struct Task: Decodable {
      var id: String
      var method: String
      var state: String
      var attempt: Int
      var createdAt: String
    }
    var tasks: [Task]
    var nextCursor: String?
  }
}
