/// A request that is refused for its framing, size or slowness: the status to answer with, and why.
public struct RequestError: Error, Hashable, Sendable, CustomStringConvertible {
  /// 400, 408, 413, 414, 417, 431, 501 or 505.
  public let status: HTTPStatus
  /// What is wrong with it, for logs and the response's body; never a part of the request itself.
  public let reason: String

  /// An error of these parts.
  public init(_ status: HTTPStatus, _ reason: String) {
    self.status = status
    self.reason = reason
  }

  /// `400: reason`.
  public var description: String { "\(status): \(reason)" }
}
