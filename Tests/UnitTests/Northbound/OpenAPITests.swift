import HTTP
import Networking
import PostgreSQL
import Testing

@testable import Northbound

@Suite("The OpenAPI document")
struct OpenAPITests {
  @Test("It lists exactly what the router serves, each operation with its own id")
  func complete() async throws {
    let loop = try EventLoop(name: "openapi")
    let lane = try Lane(on: loop, LaneSettings(connection: "host=/nonexistent"))
    let api = API(
      lanes: NorthboundLanes(reading: lane, writing: lane), settings: NorthboundSettings(),
      watch: TaskWatch(lane, limit: 1))
    let served = Set(api.endpoints.map { "\($0.method.description.lowercased()) \($0.path)" })
    #expect(served.count == api.endpoints.count)
    let document = try JSONValue.parse(api.document)
    guard case .object(let root) = document, case .object(let paths)? = root["paths"] else {
      Issue.record("no paths")
      return
    }
    var listed: Set<String> = []
    var ids: Set<String> = []
    for (path, item) in paths {
      guard case .object(let methods) = item else { continue }
      for (method, operation) in methods {
        listed.insert("\(method) \(path)")
        if case .object(let members) = operation, case .text(let id)? = members["operationId"] { ids.insert(id) }
      }
    }
    #expect(listed == served)
    #expect(ids.count == served.count)
    await lane.close()
    await loop.shutdown()
  }
}
