import Policy
public import PostgreSQL

/// What the API needs to know besides its tables.
public struct NorthboundSettings: Sendable {
  /// The directory that the gateway serves firmware images from; nil: none can be registered.
  public var filesDirectory: String?
  /// How many connections one server may have open.
  public var maximumConnections = 1_000
  /// How many requests may wait for tasks' results at once in one server; more get 429.
  public var maximumWaiting = 4096
  /// How many live tasks a device may have by the API; more get 429.
  public var maximumLiveTasks: Int32 = 256

  /// Reads a policy's text; tests of the API have a language of their own.
  var readPolicy: @Sendable (_ text: String, _ name: String) throws(PolicyError) -> (name: String, priority: Int) = {
    text, name throws(PolicyError) in
    let document = try PolicyDocument.parse(text, file: name)
    return (document.name, document.priority)
  }

  /// The defaults.
  public init() {}
}

/// The lanes of one loop's API. Two, because a transaction holds its lane: reads do not wait for writes.
public struct NorthboundLanes: Sendable {
  /// For single statements.
  public var reading: Lane
  /// For transactions.
  public var writing: Lane

  /// Both lanes are to be on the server's loop.
  public init(reading: Lane, writing: Lane) {
    self.reading = reading
    self.writing = writing
  }
}
