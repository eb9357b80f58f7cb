/// One entry of a GetParameterNamesResponse.
public struct ParameterInfo: Sendable, Hashable, Codable {
  /// A full parameter path, or an object's path that ends in a dot (some CPEs leave the dot out: item 125).
  public var name: String
  /// Whether the parameter can be set; for `Table.` AddObject, for `Table.N.` DeleteObject is possible (item 124).
  public var writable: Bool

  /// Makes an entry.
  public init(_ name: String, writable: Bool) {
    self.name = name
    self.writable = writable
  }
}
