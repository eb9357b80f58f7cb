/// What a simulated CPE does otherwise than the standard says. Each is a quirk of real devices, or a fault of the line.
public struct Misbehaviours: OptionSet, Sendable, Hashable {
  /// The bits.
  public let rawValue: UInt16

  /// Misbehaviours from their bits.
  public init(rawValue: UInt16) { self.rawValue = rawValue }

  /// Keeps only the first cookie of a session, and begins the next session with it (Q2, Q4).
  public static let keepsFirstCookie = Misbehaviours(rawValue: 1 << 0)
  /// Returns no cookie.
  public static let returnsNoCookie = Misbehaviours(rawValue: 1 << 1)
  /// Echoes the whole Set-Cookie with its attributes (item 15).
  public static let echoesCookieAttributes = Misbehaviours(rawValue: 1 << 2)
  /// Now and then cuts a POST at a random byte and drops the connection.
  public static let dropsConnections = Misbehaviours(rawValue: 1 << 3)
  /// Waits some seconds before it answers an RPC.
  public static let answersLate = Misbehaviours(rawValue: 1 << 4)
  /// Opens a new connection for each POST (item 11).
  public static let reconnectsAlways = Misbehaviours(rawValue: 1 << 5)
  /// Now and then sends its empty POST a second time on a new connection, before the answer came.
  public static let repeatsEmptyPosts = Misbehaviours(rawValue: 1 << 6)
  /// Now and then falls silent in the middle of a session.
  public static let stopsMidSession = Misbehaviours(rawValue: 1 << 7)
  /// Now and then begins anew with an Inform while its session is open (item 73).
  public static let restartsMidSession = Misbehaviours(rawValue: 1 << 8)

  /// The names for command lines, with their bits.
  public static let names: [(name: String, value: Misbehaviours)] = [
    ("first-cookie", .keepsFirstCookie), ("no-cookie", .returnsNoCookie),
    ("cookie-attributes", .echoesCookieAttributes),
    ("drop", .dropsConnections), ("late", .answersLate), ("reconnect", .reconnectsAlways),
    ("repeat-empty", .repeatsEmptyPosts), ("stop", .stopsMidSession), ("restart", .restartsMidSession),
  ]

  /// The misbehaviour of a name; nil if there is none.
  public init?(name: String) {
    guard let found = Self.names.first(where: { $0.name == name }) else { return nil }
    self = found.value
  }
}
