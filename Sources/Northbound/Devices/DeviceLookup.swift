import Cryptography
import HTTP
import PostgreSQL

/// Which device a path means: `{device}` is its id or its identity.
struct DeviceLookup: Sendable {
  let lane: Lane

  /// The id of the device in the path.
  ///
  /// - Throws: ``Problem`` of kind `not-found`.
  func id(of request: APIRequest) async throws -> UUID128 { try await id(request.parameters["device"] ?? "") }

  /// The id of the device that an id or identity names.
  ///
  /// - Throws: ``Problem`` of kind `not-found`.
  func id(_ text: String) async throws -> UUID128 {
    let rows =
      if let id = UUID128(text) {
        try await lane.query(Self.byID, .uuid(id))
      } else {
        try await lane.query(Self.byIdentity, .text(text))
      }
    guard let row = rows.first else {
      throw Problem(.notFound, "no device has the id or identity '\(text.prefix(300))'", field: "device")
    }
    return try row.uuid(0)
  }

  private static let byID = Statement("devices.by_id", "SELECT id FROM device WHERE id = $1")
  private static let byIdentity = Statement("devices.by_identity", "SELECT id FROM device WHERE identity = $1")
}
