/// The cookies of one session, as simple as CPEs keep them: names, values, nothing of scope or age.
struct CookieJar: Sendable {
  private var cookies: [(name: Substring, text: String)] = []
  private let echoesAttributes: Bool
  private let ignoresNew: Bool

  /// - Parameter first: A cookie that the CPE has kept from long ago and will not let go of.
  init(_ misbehaviours: Misbehaviours, first: String?) {
    echoesAttributes = misbehaviours.contains(.echoesCookieAttributes)
    ignoresNew = misbehaviours.contains(.returnsNoCookie)
    if misbehaviours.contains(.keepsFirstCookie), let first { keep(first) }
  }

  /// Takes what a response sets.
  mutating func take(_ fields: [String], onlyFirst: Bool) {
    guard !ignoresNew, !(onlyFirst && !cookies.isEmpty) else { return }
    for field in onlyFirst ? Array(fields.prefix(1)) : fields { keep(field) }
  }

  private mutating func keep(_ field: String) {
    let pair = field.prefix { $0 != ";" }
    let name = pair.prefix { $0 != "=" }
    cookies.removeAll { $0.name == name }
    cookies.append((name, echoesAttributes ? field : String(pair)))
  }

  /// What goes into the `Cookie` field; nil if there is nothing.
  var header: String? {
    cookies.isEmpty ? nil : cookies.map(\.text).joined(separator: "; ")
  }

  /// What a CPE that keeps its first cookie for ever keeps.
  var first: String? { cookies.first?.text }
}
