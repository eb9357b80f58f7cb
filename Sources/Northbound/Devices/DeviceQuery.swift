import HTTP
import PostgreSQL
import Synchronization

/// A filter of the list of devices as SQL: only the conditions that are asked for, so that each combination has a plan
/// of its own that can use its index.
struct DeviceQuery {
  /// The filters by their names in the query.
  static let names = [
    "q", "manufacturer", "oui", "product_class", "software_version", "tag", "seen_after", "seen_before",
  ]

  private(set) var statement: Statement
  private(set) var parameters: [PostgreSQLValue]

  /// The page of devices that the query asks for.
  init(_ request: APIRequest, _ page: Page) throws(Problem) {
    var conditions: [Condition] = []
    var values: [PostgreSQLValue] = [.int64(Int64(page.limit + 1))]
    func add(_ condition: Condition, _ value: PostgreSQLValue) {
      conditions.append(condition)
      values.append(value)
    }
    if let after = page.after { add(.after, .uuid(after)) }
    if let text = request.queryValue("q"), !text.isEmpty { add(.prefix, .text(text)) }
    for (name, condition) in Self.columns {
      guard let text = request.queryValue(name) else { continue }
      add(condition, .text(name == "oui" ? text.uppercased() : text))
    }
    let tags = request.query.filter { $0.name == "tag" }.map(\.value)
    if !tags.isEmpty { add(.tags, .texts(tags)) }
    if let time = try request.queryTime("seen_after") { add(.seenAfter, .timestamp(time)) }
    if let time = try request.queryTime("seen_before") { add(.seenBefore, .timestamp(time)) }
    statement = Self.statements.statement(for: conditions)
    parameters = values
  }

  private static let columns: [(String, Condition)] = [
    ("manufacturer", .manufacturer), ("oui", .oui), ("product_class", .productClass),
    ("software_version", .softwareVersion),
  ]

  /// One condition each; the bit names the combination.
  enum Condition: Int {
    case after, prefix, manufacturer, oui, productClass, softwareVersion, tags, seenAfter, seenBefore

    func sql(_ number: Int) -> String {
      switch self {
      case .after: "id > $\(number)"
      // Ranges rather than LIKE: a prepared LIKE cannot use the index. U+10FFFF ends every range of UTF-8.
      case .prefix:
        """
        (identity ~>=~ $\(number) AND identity ~<~ ($\(number) || U&'\\+10FFFF')
         OR serial_number ~>=~ $\(number) AND serial_number ~<~ ($\(number) || U&'\\+10FFFF'))
        """
      case .manufacturer: "manufacturer = $\(number)"
      case .oui: "oui = $\(number)"
      case .productClass: "product_class = $\(number)"
      case .softwareVersion: "software_version = $\(number)"
      case .tags: "tags @> $\(number)"
      case .seenAfter: "seen_at >= $\(number)"
      case .seenBefore: "seen_at < $\(number)"
      }
    }
  }

  private static let statements = StatementCache()

  /// Statements by combination of conditions: at most 512.
  private final class StatementCache: Sendable {
    private let made = Mutex<[Int: Statement]>([:])

    func statement(for conditions: [Condition]) -> Statement {
      let key = conditions.reduce(0) { $0 | 1 << $1.rawValue }
      return made.withLock { made in
        if let statement = made[key] { return statement }
        let texts = conditions.enumerated().map { $1.sql($0 + 2) }
        let filter = texts.isEmpty ? "" : "WHERE " + texts.joined(separator: " AND ")
        let statement = Statement(
          "devices.list\(key)", "SELECT \(DeviceRecord.columns) FROM device \(filter) ORDER BY id LIMIT $1")
        made[key] = statement
        return statement
      }
    }
  }
}
