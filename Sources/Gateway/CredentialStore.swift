import Cryptography
import EventLog
import Fleet
import Operations
import PostgreSQL

/// Credentials in PostgreSQL, as the gateway reads them: callbacks on the loop, no task. Lives on its lane's loop.
final class CredentialStore {
  /// What a look-up came to.
  enum Found {
    case credential(StoredCredential)
    case nothing
    /// PostgreSQL is away or too slow, or what it holds does not open: it cannot be told who this is.
    case unavailable
  }

  /// How long one read may take.
  private static let readDeadline = Duration.seconds(3)

  private let lane: Lane
  private let sealer: ValueSealer
  private let clock: DatabaseClock
  private let logger: Logger
  private let unreadable: Counter
  private var complainedAt = Int64.min / 2
  private var cache: CredentialCache
  private var byUsername = LookUps<[UInt8], Found>()
  private var byDevice = LookUps<UUID128, Found>()

  init(
    lane: Lane, keyring: ClusterKeyring, clock: DatabaseClock, capacity: Int, logger: Logger, unreadable: Counter
  ) {
    self.lane = lane
    self.clock = clock
    self.logger = logger
    self.unreadable = unreadable
    sealer = ValueSealer(keyring)
    cache = CredentialCache(capacity: capacity)
  }

  /// What the cache holds under a username.
  func cached(_ username: [UInt8]) -> StoredCredential? { cache.credential(username, now: clock.now) }

  /// Forgets a username.
  func forget(_ username: [UInt8]) { cache.forget(username) }

  /// How many have asked by username and have no answer yet.
  var underWay: Int { byUsername.underWay }

  /// Whether one more may ask by username.
  var hasRoom: Bool { byUsername.hasRoom }

  /// Reads the credential under a username, and keeps it in the cache. It is answered within five seconds.
  func read(username: [UInt8], _ completion: @escaping (Found) -> Void) {
    // PostgreSQL would refuse the whole set for what no username can be.
    guard username.count <= 256, !username.contains(0), String(validating: username, as: UTF8.self) != nil else {
      return completion(.nothing)
    }
    guard byUsername.hasRoom else { return completion(.unavailable) }
    byUsername.ask(username, at: clock.steady, completion)
    readWaitingUsernames()
  }

  /// Reads the credential of a device: whether one that came with bootstrap has its own. It is answered within five
  /// seconds.
  func read(device: UUID128, _ completion: @escaping (Found) -> Void) {
    guard byDevice.hasRoom else { return completion(.unavailable) }
    byDevice.ask(device, at: clock.steady, completion)
    readWaitingDevices()
  }

  /// Notes that a device was held: for an operator to see and release. Best effort.
  func noteHeld(_ device: UUID128, peer: String) {
    lane.submit([Call(Self.hold, .uuid(device), .text(peer))]) { _ in }
  }

  private func readWaitingUsernames() {
    readNext(
      \.byUsername, Self.ofUsernames, { .texts($0) }, key: { row throws(PostgreSQLError) in try row.bytes(4) })
  }

  private func readWaitingDevices() {
    readNext(
      \.byDevice, Self.ofDevices, { .uuids($0) }, key: { row throws(PostgreSQLError) in try row.uuid(0) })
  }

  /// Reads those who wait for one of the two kinds of look-ups, set by set.
  private func readNext<Key>(
    _ lookUps: ReferenceWritableKeyPath<CredentialStore, LookUps<Key, Found>>, _ statement: Statement,
    _ value: @escaping ([Key]) -> PostgreSQLValue, key: @escaping (Row) throws(PostgreSQLError) -> Key
  ) {
    while let turn = self[keyPath: lookUps].begin(now: clock.steady) {
      if !turn.set.isEmpty {
        lane.submit([Call(statement, value(Array(turn.set.keys)))], deadline: Self.readDeadline) { [self] result in
          self[keyPath: lookUps].end()
          switch result {
          case .success(let rows): serve(turn.set, rows[0], key: key)
          case .failure:
            // Who has come meanwhile would only wait for the same.
            for completion in turn.set.values.joined() { completion(.unavailable) }
            for completion in self[keyPath: lookUps].removeAll() { completion(.unavailable) }
          }
          readNext(lookUps, statement, value, key: key)
        }
      }
      for completion in turn.late { completion(.unavailable) }
    }
  }

  private func serve<Key>(
    _ set: [Key: [(Found) -> Void]], _ rows: Rows, key: (Row) throws(PostgreSQLError) -> Key
  ) {
    var set = set
    for row in rows {
      guard let key = try? key(row), let completions = set.removeValue(forKey: key) else { continue }
      let found = read(row)
      if case .credential(let credential) = found, let username = try? row.bytes(4) {
        cache.insert(username, credential, now: clock.now)
      }
      for completion in completions { completion(found) }
    }
    for completion in set.values.joined() { completion(.nothing) }
  }

  private func read(_ row: Row) -> Found {
    do {
      let device = try row.uuid(0)
      let pending = try row.optionalBytes(2)
      var credential = StoredCredential(
        device: device, secret: try open(try row.optionalBytes(1), of: device), pending: try open(pending, of: device),
        readmitUntil: try row.optionalTimestamp(3) ?? 0)
      credential.pendingMark = pending.map { CPEMessage.mark(ofSealed: $0) } ?? []
      return .credential(credential)
    } catch {
      return .unavailable
    }
  }

  /// Opens a password. A device whose password does not open has one all the same: taken for one that has none it
  /// would be let in with the shared credential.
  private func open(_ sealed: [UInt8]?, of device: UUID128) throws(CryptographyError) -> SecretKey? {
    guard let sealed else { return nil }
    do throws(CryptographyError) {
      return SecretKey(try sealer.open(sealed.span, associatedData: device.bytes.span))
    } catch {
      complain(error, device)
      throw error
    }
  }

  private func complain(_ error: CryptographyError, _ device: UUID128) {
    unreadable.increment()
    guard clock.steady - complainedAt >= 60_000_000 else { return }
    complainedAt = clock.steady
    logger.error("a stored credential does not open; is a former cluster secret missing?") { line in
      line.add(.device, describing: device)
      line.add(error)
    }
  }

  private static let columns = "SELECT device, secret, pending_secret, readmit_until, username FROM credential"
  static let ofUsernames = Statement(
    "credentials.of_usernames", "\(columns) WHERE username = ANY ($1::text[])")
  static let ofDevices = Statement("credentials.of_devices", "\(columns) WHERE device = ANY ($1::uuid[])")
  private static let hold = Statement(
    "credentials.hold",
    """
    UPDATE credential SET held_at = now(), held_peer = $2, held_count = held_count + 1
     WHERE device = $1 AND (held_at IS NULL OR held_at < now() - interval '1 min')
    """)
}
