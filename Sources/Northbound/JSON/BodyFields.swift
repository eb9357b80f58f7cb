import HTTP

/// The members of a JSON object, each read once under its type and bounds; what is left at the end is unknown.
///
/// Errors name the place as a path such as `filter.oui[2]`.
struct BodyFields {
  private var left: [String: JSONValue]
  private var known: [String] = []
  private let place: String

  /// The object that a request's body holds; an empty body is an empty object.
  init(_ request: APIRequest) throws(Problem) {
    if request.body.isEmpty {
      self.init([:], place: "")
      return
    }
    let type = request.head["content-type"].map(Self.mediaType)
    guard type == "application/json" else {
      throw Problem(.unsupportedMediaType, "the body is to be application/json, not \(type ?? "without a type")")
    }
    guard case .object(let members) = try JSONValue.parse(request.body) else {
      throw Problem(.malformedBody, "the body is to be a JSON object")
    }
    self.init(members, place: "")
  }

  init(_ members: [String: JSONValue], place: String) {
    left = members
    self.place = place
  }

  /// The media type without its parameters, in lower case.
  static func mediaType(_ field: String) -> String {
    let type = field.prefix { $0 != ";" }
    return String(type.filter { $0 != " " && $0 != "\t" }).lowercased()
  }

  // MARK: - Reading

  mutating func text(_ name: String, in length: ClosedRange<Int> = 0...256) throws(Problem) -> String? {
    guard let value = take(name) else { return nil }
    guard case .text(let text) = value else { throw wrong(name, "is to be text, not \(value.kind)") }
    try check(text, name, length)
    return text
  }

  mutating func requiredText(_ name: String, in length: ClosedRange<Int> = 1...256) throws(Problem) -> String {
    guard let text = try text(name, in: length) else { throw wrong(name, "is missing") }
    return text
  }

  mutating func texts(
    _ name: String, atMost count: Int, in length: ClosedRange<Int> = 1...256
  ) throws(Problem) -> [String]? {
    guard let value = take(name) else { return nil }
    guard case .array(let items) = value else { throw wrong(name, "is to be a list of texts, not \(value.kind)") }
    guard items.count <= count else { throw wrong(name, "has \(items.count) members; \(count) are allowed") }
    var texts: [String] = []
    for (index, item) in items.enumerated() {
      guard case .text(let text) = item else { throw wrong("\(name)[\(index)]", "is to be text, not \(item.kind)") }
      try check(text, "\(name)[\(index)]", length)
      texts.append(text)
    }
    return texts
  }

  mutating func integer(_ name: String, in range: ClosedRange<Int64>) throws(Problem) -> Int64? {
    guard let value = take(name) else { return nil }
    guard case .integer(let number) = value, range.contains(number) else {
      throw wrong(name, "is to be a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  mutating func bool(_ name: String) throws(Problem) -> Bool? {
    guard let value = take(name) else { return nil }
    guard case .bool(let truth) = value else { throw wrong(name, "is to be true or false, not \(value.kind)") }
    return truth
  }

  mutating func choice(_ name: String, _ choices: [String]) throws(Problem) -> String? {
    guard let text = try text(name) else { return nil }
    guard choices.contains(text) else { throw wrong(name, "is to be one of \(choices.joined(separator: ", "))") }
    return text
  }

  mutating func object(_ name: String) throws(Problem) -> BodyFields? {
    guard let members = try members(name) else { return nil }
    return BodyFields(members, place: path(name))
  }

  /// An object as it stands; nil where it is missing.
  mutating func members(_ name: String) throws(Problem) -> [String: JSONValue]? {
    guard let value = take(name) else { return nil }
    guard case .object(let members) = value else { throw wrong(name, "is to be an object, not \(value.kind)") }
    return members
  }

  /// Refuses what nobody has asked for: a misspelt name must not be taken for a missing one.
  func end() throws(Problem) {
    guard let name = left.keys.min() else { return }
    throw wrong(name, "is not known here; known are \(known.sorted().joined(separator: ", "))")
  }

  /// An error at a member.
  func wrong(_ name: String, _ what: String) -> Problem {
    Problem(.invalidField, "\(path(name)) \(what)", field: path(name))
  }

  // MARK: - Inside

  private mutating func take(_ name: String) -> JSONValue? {
    known.append(name)
    guard let value = left.removeValue(forKey: name), value != .null else { return nil }
    return value
  }

  private func path(_ name: String) -> String { place.isEmpty ? name : "\(place).\(name)" }

  private func check(_ text: String, _ name: String, _ length: ClosedRange<Int>) throws(Problem) {
    guard length.contains(text.utf8.count) else {
      throw wrong(name, "is to have \(length.lowerBound) to \(length.upperBound) bytes, not \(text.utf8.count)")
    }
    // PostgreSQL stores no NUL, XML no other control character.
    guard !text.utf8.contains(where: { $0 < 0x20 && $0 != 0x09 && $0 != 0x0A && $0 != 0x0D }) else {
      throw wrong(name, "holds a control character")
    }
  }
}
