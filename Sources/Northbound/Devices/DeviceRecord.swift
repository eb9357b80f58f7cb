import Cryptography
import PostgreSQL

/// A device as the API lists it.
struct DeviceRecord: Sendable {
  var id: UUID128
  private let row: Row

  static let columns = """
    id, identity, manufacturer, oui, product_class, serial_number, root, software_version, hardware_version,
    provisioning_code, tags, created_at, seen_at, peer, connection_request_url, methods
    """

  init(_ row: Row) throws(PostgreSQLError) {
    self.row = row
    id = try row.uuid(0)
  }

  /// The members that lists have.
  func writeMembers(_ json: inout JSONWriter) throws {
    json.member("id", id.description)
    json.member("identity", try row.text(1))
    json.member("manufacturer", try row.text(2))
    json.member("oui", try row.text(3))
    json.member("product_class", try row.text(4))
    json.member("serial_number", try row.text(5))
    json.member("root", try row.text(6))
    json.member("software_version", try row.text(7))
    json.member("hardware_version", try row.text(8))
    json.member("provisioning_code", try row.text(9))
    json.member("tags", try row.texts(10))
    json.member("created_at", time: try row.timestamp(11))
    json.member("seen_at", time: try row.timestamp(12))
  }

  /// What only the device's own resource has.
  func writeDetails(_ json: inout JSONWriter) throws {
    json.member("peer", try row.text(13))
    json.member("connection_request_url", try row.text(14))
    json.member("methods", try row.texts(15))
  }
}
