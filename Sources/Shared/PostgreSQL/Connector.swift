import CLibPQ
import Glibc

/// The calls of libpq that block (name look-ups, TLS and SCRAM handshakes, requests to cancel), each on a short-lived
/// thread, so that no loop waits for them. They are rare: one a connection.
enum Connector {
  /// A connected `PGconn` on its way from the thread to its loop; whoever receives it owns it.
  struct Connected: Sendable {
    private let address: UInt
    init(_ handle: OpaquePointer) { address = UInt(bitPattern: handle) }
    var handle: OpaquePointer? { OpaquePointer(bitPattern: address) }
  }

  /// Refuses a connection string that libpq cannot understand. Its reason is withheld: it quotes the string, which may
  /// hold a password.
  static func check(_ connection: String) throws(PostgreSQLError) {
    guard let options = PQconninfoParse(connection, nil) else {
      throw PostgreSQLError(
        .misconfigured, "the connection string is not one of libpq (expected: host=... dbname=..., or postgresql://...)"
      )
    }
    PQconninfoFree(options)
  }

  /// Connects; `then` is called on the thread. False if there is no thread to be had.
  static func connect(
    _ settings: LaneSettings, then: @escaping @Sendable (Result<Connected, PostgreSQLError>) -> Void
  ) -> Bool {
    onThread { then(connectBlocking(settings)) }
  }

  /// Asks the server to cancel what the connection runs, and frees `cancel`. `then` is called on the thread.
  static func cancel(_ cancel: OpaquePointer, then: @escaping @Sendable () -> Void) -> Bool {
    let address = UInt(bitPattern: cancel)
    return onThread {
      guard let cancel = OpaquePointer(bitPattern: address) else { return }
      var reason = [CChar](repeating: 0, count: 256)
      _ = PQcancel(cancel, &reason, Int32(reason.count))
      PQfreeCancel(cancel)
      then()
    }
  }

  private static func connectBlocking(_ settings: LaneSettings) -> Result<Connected, PostgreSQLError> {
    // What comes before the connection string are defaults; what comes after it cannot be changed by it.
    let options: [(String, String)] = [
      ("connect_timeout", String(max(2, settings.connectTimeout.components.seconds))),
      ("keepalives_idle", "10"), ("keepalives_interval", "5"), ("keepalives_count", "3"),
      ("tcp_user_timeout", "20000"),
      ("dbname", settings.connection),
      // Lanes and `migrate --restored` know each other's backends by it.
      ("application_name", settings.applicationName),
      ("client_encoding", "UTF8"),
    ]
    let keywords = options.map { strdup($0.0) } + [nil]
    let values = options.map { strdup($0.1) } + [nil]
    defer { for string in keywords + values { free(string) } }
    let handle = keywords.map { UnsafePointer($0) }.withUnsafeBufferPointer { keywords in
      values.map { UnsafePointer($0) }.withUnsafeBufferPointer { values in
        PQconnectdbParams(keywords.baseAddress, values.baseAddress, 1)
      }
    }
    guard let handle else { return .failure(PostgreSQLError(.connectionLost, "out of memory")) }
    guard PQstatus(handle) == CONNECTION_OK else {
      defer { PQfinish(handle) }
      return .failure(PostgreSQLError(.connectionLost, "cannot connect: \(message(of: handle))"))
    }
    return .success(Connected(handle))
  }

  /// Libpq's last words about the connection. They name hosts, users and databases, never the password.
  static func message(of handle: OpaquePointer) -> String { oneLine(String(cString: PQerrorMessage(handle))) }

  static func oneLine(_ text: String) -> String {
    text.split(whereSeparator: \.isNewline).joined(separator: " ")
  }

  /// Frees a connection that nobody wants any more.
  static func discard(_ connected: Connected) { PQfinish(connected.handle) }

  private final class Work: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }

  private static func onThread(_ body: @escaping @Sendable () -> Void) -> Bool {
    let work = Unmanaged.passRetained(Work(body))
    var thread = pthread_t()
    let started = pthread_create(
      &thread, nil,
      { context in
        if let context { Unmanaged<Work>.fromOpaque(context).takeRetainedValue().body() }
        return nil
      }, work.toOpaque())
    guard started == 0 else {
      work.release()
      return false
    }
    pthread_detach(thread)
    return true
  }
}
