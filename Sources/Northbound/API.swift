import HTTP
import PostgreSQL

/// The whole API as a list of endpoints (docs/api.md).
struct API: Sendable {
  let endpoints: [Endpoint]
  /// The OpenAPI document, as it is served.
  let document: [UInt8]

  init(lanes: NorthboundLanes, settings: NorthboundSettings, watch: TaskWatch, browser: LogBrowser? = nil) {
    let devices = DeviceLookup(lane: lanes.reading)
    var endpoints: [Endpoint] = []
    endpoints += DeviceResource(lanes: lanes, devices: devices).endpoints
    endpoints +=
      TaskResource(lanes: lanes, devices: devices, watch: watch, maximumLive: settings.maximumLiveTasks).endpoints
    endpoints += PolicyResource(lanes: lanes, read: settings.readPolicy).endpoints
    endpoints += FirmwareResource(lanes: lanes, directory: settings.filesDirectory).endpoints
    endpoints += CampaignResource(lanes: lanes).endpoints
    if let browser { endpoints += LogResource(devices: devices, browser: browser).endpoints }
    endpoints.append(
      Endpoint(.get, "/health", "Whether the API can reach its database.", isOpen: true) { _, _ in
        _ = try await lanes.reading.query(Self.ping, deadline: .seconds(3))
        return .json { json in
          json.member("status", "ok")
          json.member("database", true)
        }
      })
    var own = Endpoint(.get, "/openapi.json", "This document.", isOpen: true) { _, _ in APIResponse(.ok) }
    let document = OpenAPI.document(of: endpoints + [own])
    own.handler = { _, _ in .json(bytes: document) }
    self.endpoints = endpoints + [own]
    self.document = document
  }

  private static let ping = Statement("api.ping", "SELECT 1")
}
