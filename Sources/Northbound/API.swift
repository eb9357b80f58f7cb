import HTTP
import PostgreSQL

/// The whole API as a list of endpoints (docs/api.md).
struct API: Sendable {
  let endpoints: [Endpoint]

  init(lanes: NorthboundLanes, settings: NorthboundSettings, watch: TaskWatch) {
    let devices = DeviceLookup(lane: lanes.reading)
    var endpoints: [Endpoint] = []
    endpoints += DeviceResource(lanes: lanes, devices: devices).endpoints
    endpoints +=
      TaskResource(lanes: lanes, devices: devices, watch: watch, maximumLive: settings.maximumLiveTasks).endpoints
    endpoints += PolicyResource(lanes: lanes).endpoints
    endpoints += FirmwareResource(lanes: lanes, directory: settings.filesDirectory).endpoints
    endpoints += CampaignResource(lanes: lanes).endpoints
    endpoints.append(
      Endpoint(.get, "/health", "Whether the API can reach its database.", isOpen: true) { _, _ in
        _ = try await lanes.reading.query(Self.ping, deadline: .seconds(3))
        return .json { json in
          json.member("status", "ok")
          json.member("database", true)
        }
      })
    let described = endpoints
    endpoints.append(
      Endpoint(.get, "/openapi.json", "This document.", isOpen: true) { _, _ in
        .json(bytes: OpenAPI.document(of: described))
      })
    self.endpoints = endpoints
  }

  private static let ping = Statement("api.ping", "SELECT 1")
}
