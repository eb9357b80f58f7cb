/// The cookies of one session, as simple as CPEs keep them: names, values, nothing of scope or age.
struct CookieJar: Sendable {
  private var cookies: [(name: Substring, text: String)] = []
  private let misbehaviours: Misbehaviours
  /// An earlier session's, sent until this one has its own.
  private var stale: String?

  init(_ misbehaviours: Misbehaviours, stale: String?) {
    self.misbehaviours = misbehaviours
    if misbehaviours.contains(.keepsFirstCookie) { self.stale = stale }
  }

  /// Takes what a response sets.
  mutating func take(_ fields: [String]) {
    if misbehaviours.contains(.returnsNoCookie) { return }
    if misbehaviours.contains(.keepsFirstCookie) {
      guard cookies.isEmpty, let first = fields.first else { return }
      stale = nil
      return keep(first)
    }
    for field in fields { keep(field) }
  }

  private mutating func keep(_ field: String) {
    let pair = field.prefix { $0 != ";" }
    let name = pair.prefix { $0 != "=" }
    cookies.removeAll { $0.name == name }
    cookies.append((name, misbehaviours.contains(.echoesCookieAttributes) ? field : String(pair)))
  }

  /// What goes into the `Cookie` field; nil if there is nothing.
  var header: String? {
    if let stale { return stale }
    return cookies.isEmpty ? nil : cookies.map(\.text).joined(separator: "; ")
  }
}
