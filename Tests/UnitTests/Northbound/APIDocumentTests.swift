import Glibc
import HTTP
import Networking
import PostgreSQL
import Testing

@testable import Northbound

@Suite("docs/api.md")
struct APIDocumentTests {
  private func document() throws -> String {
    var path = #filePath.split(separator: "/").map(String.init)
    path.removeLast(4)
    let file = try #require(fopen("/" + path.joined(separator: "/") + "/docs/api.md", "r"))
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = fread(&chunk, 1, chunk.count, file)
      if count == 0 { return String(decoding: bytes, as: UTF8.self) }
      bytes += chunk[..<count]
    }
  }

  @Test("It explains every type of problem with its status")
  func problems() throws {
    let document = try document()
    let rows = document.split(separator: "\n").filter { $0.hasPrefix("| `") }
    for kind in Problem.Kind.allCases {
      let row = rows.first { $0.contains("`\(kind.rawValue)`") }
      #expect(row?.contains("| \(kind.status) |") == true, "\(kind.rawValue)")
    }
  }

  @Test("It names every resource")
  func resources() async throws {
    let document = try document()
    let loop = try EventLoop(name: "document")
    let lane = try Lane(on: loop, LaneSettings(connection: "host=/nonexistent"))
    let api = API(
      lanes: NorthboundLanes(reading: lane, writing: lane), settings: NorthboundSettings(),
      watch: TaskWatch(lane, limit: 1))
    for endpoint in api.endpoints {
      let last = endpoint.path.split(separator: "/").last.map(String.init) ?? ""
      let isNamed = document.contains("\(endpoint.method) \(endpoint.path)") || document.contains("…/\(last)`")
      #expect(isNamed, "\(endpoint.method) \(endpoint.path)")
    }
    await lane.close()
    await loop.shutdown()
  }
}
