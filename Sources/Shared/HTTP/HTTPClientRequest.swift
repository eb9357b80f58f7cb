public import Networking

/// A request to somebody else's server: a CPE's connection request, a webhook, a key set.
public struct HTTPClientRequest: Sendable {
  /// How to prove who we are.
  public struct Credentials: Sendable {
    /// The user's name.
    public var user: String
    /// The password; never logged.
    public var password: String
    /// Digest (after the server's challenge) or Basic (at once).
    public var usesDigest: Bool

    /// Credentials of these parts.
    public init(user: String, password: String, usesDigest: Bool) {
      self.user = user
      self.password = password
      self.usesDigest = usesDigest
    }
  }

  /// The method's name.
  public var method = "GET"
  /// `http` or `https`; other schemes are refused.
  public var url: String
  /// Fields beyond those that libcurl writes.
  public var fields: [(name: String, value: String)] = []
  /// The body.
  public var body: [UInt8] = []
  /// How to prove who we are; nil: not at all.
  public var credentials: Credentials?
  /// What it may take in all, waiting for its turn included.
  public var deadline = Duration.seconds(5)
  /// Bytes of response body accepted.
  public var responseLimit = 8192
  /// PEM file of the certificates to trust for `https`; nil: the system's.
  public var authorities: String?
  /// Asked for each address that is about to be connected to, after names have been looked up; false ends the request.
  /// This is where requests to our own networks are stopped (SSRF, DNS rebinding).
  public var allowsAddress: @Sendable (SocketAddress) -> Bool = { _ in true }
  /// Whether a connection left by an earlier request may serve this one; its address was checked then, not now.
  public var reusesConnections = false

  /// A GET without credentials.
  public init(url: String) { self.url = url }
}

/// What came back. Redirects are not followed: they come back as they are.
public struct HTTPClientResponse: Sendable {
  /// The status.
  public var status: HTTPStatus
  /// The final response's fields, names in lower case.
  public var fields: [(name: String, value: String)]
  /// The body.
  public var body: [UInt8]

  /// The first value of a field; `name` in lower case.
  public subscript(name: String) -> String? { fields.first { $0.name == name }?.value }
}

/// Why there is no response.
public struct HTTPClientError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The kinds a caller may want to tell apart.
  public enum Code: Equatable, Sendable {
    /// Too many requests wait already; nothing was sent.
    case queueFull
    /// The deadline has passed; whether the request had an effect is unknown.
    case deadlineExceeded
    /// `allowsAddress` said no; nothing was sent.
    case addressRefused
    /// The response's body or head is larger than allowed.
    case responseTooLarge
    /// The URL, the method or a field cannot be sent.
    case invalidRequest
    /// Looking up, connecting, TLS or the exchange failed; the detail says which.
    case failed
    /// The client was shut down.
    case closed
  }

  /// The kind.
  public let code: Code
  /// The reason in libcurl's words. Never holds the URL or credentials.
  public let detail: String

  /// The kind and the reason.
  public var description: String { "\(code): \(detail)" }
}
