/// What is wrong in a document, and where.
public struct YAMLError: Error, Equatable, Sendable {
  /// The file's name as the caller gave it.
  public let file: String
  /// The place; `nil` where the whole document is meant.
  public let mark: YAMLMark?
  /// The keys and list indices that lead there, such as `gateway.listeners[0].port`; empty for the document itself.
  public let path: String
  /// What is wrong and what to do.
  public let reason: String

  /// An error at a place.
  public init(file: String, mark: YAMLMark?, path: String = "", reason: String) {
    self.file = file
    self.mark = mark
    self.path = path
    self.reason = reason
  }
}

extension YAMLError: CustomStringConvertible {
  /// `file:line:column: path: reason`, which editors can follow.
  public var description: String {
    let place = mark.map { "\(file):\($0.line):\($0.column)" } ?? file
    return path.isEmpty ? "\(place): \(reason)" : "\(place): \(path): \(reason)"
  }
}
