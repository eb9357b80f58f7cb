extension ParameterPath {
  /// Whether the other path lies in this object, at any depth, or is this path. The root holds every path.
  public func contains(_ other: ParameterPath) -> Bool {
    isObject ? other.text.utf8.starts(with: text.utf8) : other == self
  }

  /// Whether the other path is named by this one, in which a `*` segment stands for any one instance (item 144). An
  /// object's pattern holds everything below it; a parameter's pattern only whole paths.
  public func matches(_ other: ParameterPath) -> Bool {
    guard hasWildcard else { return contains(other) }
    let pattern = segments
    let names = other.segments
    guard isObject ? names.count >= pattern.count : names.count == pattern.count && !other.isObject else {
      return false
    }
    return zip(pattern, names).allSatisfy { $0 == $1 || ($0 == "*" && Self.isInstance($1)) }
  }
}
