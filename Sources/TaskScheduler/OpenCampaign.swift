import Cryptography
import Fleet
import PostgreSQL

/// A campaign that is not completed, with its image, as it was locked.
struct OpenCampaign: Sendable {
  var id: UUID128
  var name: String
  var state: Campaign.State
  /// The filter as JSON; PostgreSQL applies it.
  var filter: String
  var isPlanned: Bool
  var plannedTo: UUID128?
  var pace: CampaignPace
  /// How many devices are under way.
  var underway: Int
  /// The database's time, microseconds since 1970.
  var now: Int64
  var version: String
  var vendor: String
  var models: [String]
  var file: String
  var size: Int64

  /// Locks a campaign; nil where another scheduler has it or there is nothing left to do.
  static func lock(_ id: UUID128, in transaction: Transaction) async throws -> OpenCampaign? {
    guard let row = try await transaction.query(CampaignStatements.lock, .uuid(id)).first,
      let state = Campaign.State(rawValue: try row.int16(1))
    else { return nil }
    var pace = CampaignPace(
      allowance: try row.double(6), ratePerMinute: try row.int32(4), concurrency: try row.int32(5))
    pace.fill(.microseconds(try row.int64(7)))
    return OpenCampaign(
      id: id, name: try row.text(0), state: state, filter: try row.text(2), isPlanned: try row.bool(3),
      plannedTo: try row.optionalUUID(15), pace: pace, underway: Int(try row.int64(8)), now: try row.timestamp(9),
      version: try row.text(10), vendor: try row.text(11), models: try row.texts(12), file: try row.text(13),
      size: try row.int64(14))
  }

  /// Where CPEs fetch the image.
  func imageURL(under base: String) -> String {
    var url = base.hasSuffix("/") ? String(base.dropLast()) : base
    url += "/"
    for byte in file.utf8 {
      if Self.plain.contains(byte) {
        url.unicodeScalars.append(Unicode.Scalar(byte))
      } else {
        let digits = String(byte, radix: 16, uppercase: true)
        url += byte < 16 ? "%0" + digits : "%" + digits
      }
    }
    return url
  }

  /// Unreserved characters (RFC 3986 §2.3) and the slash.
  private static let plain = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/".utf8)
}
