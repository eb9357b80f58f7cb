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

  private typealias Completion = (Found) -> Void

  private static let largestSet = 256
  /// Askers that may wait.
  private static let mostWaiting = 4_096
  /// How long one read may take.
  private static let readDeadline = Duration.seconds(3)
  /// Who has waited for longer when a read begins is told that it takes too long: so nobody waits for more than both.
  private static let patience: Int64 = 2_000_000

  private let lane: Lane
  private let sealer: ValueSealer
  private let clock: DatabaseClock
  private let logger: Logger
  private let unreadable: Counter
  private var complainedAt = Int64.min / 2
  private var cache: CredentialCache
  /// Usernames that were asked for since the last read began, in their order, and who asks: they go together with the
  /// next one.
  private var names: [[UInt8]] = []
  private var askers: [[UInt8]: [(askedAt: Int64, completion: Completion)]] = [:]
  private var waitingCount = 0
  private var readingCount = 0
  private var isReading = false

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
  var underWay: Int { waitingCount + readingCount }

  /// Whether one more may ask.
  var hasRoom: Bool { waitingCount < Self.mostWaiting }

  /// Reads the credential under a username, and keeps it in the cache.
  ///
  /// One read at a time: who asks meanwhile is read together, so that a fleet of which nobody is in the cache costs a
  /// statement a set and not one a session. It is answered within five seconds.
  func read(username: [UInt8], _ completion: @escaping (Found) -> Void) {
    // PostgreSQL would refuse the whole set for what no username can be.
    guard username.count <= 256, !username.contains(0), String(validating: username, as: UTF8.self) != nil else {
      return completion(.nothing)
    }
    guard hasRoom else { return completion(.unavailable) }
    if askers[username] == nil { names.append(username) }
    askers[username, default: []].append((clock.steady, completion))
    waitingCount += 1
    readWaiting()
  }

  /// Reads the credential of a device: whether one that came with bootstrap has its own.
  func read(device: UUID128, _ completion: @escaping (Found) -> Void) {
    lane.submit([Call(Self.byDevice, .uuid(device))], deadline: Self.readDeadline) { [self] result in
      switch result {
      case .failure: completion(.unavailable)
      case .success(let rows): completion(rows[0].first.map { read($0) } ?? .nothing)
      }
    }
  }

  /// Notes that a device was held: for an operator to see and release. Best effort.
  func noteHeld(_ device: UUID128, peer: String) {
    lane.submit([Call(Self.hold, .uuid(device), .text(peer))]) { _ in }
  }

  private func readWaiting() {
    while !isReading, !names.isEmpty {
      let (set, late) = takeSet()
      if !set.isEmpty { read(set) }
      for completion in late { completion(.unavailable) }
    }
  }

  private func read(_ set: [[UInt8]: [Completion]]) {
    isReading = true
    readingCount = set.count
    var usernames = PostgreSQLArray(.text, minimumCapacity: set.count)
    for username in set.keys { usernames.append(text: username) }
    lane.submit([Call(Self.byUsername, .array(usernames))], deadline: Self.readDeadline) { [self] result in
      isReading = false
      readingCount = 0
      serve(set, result)
      readWaiting()
    }
  }

  /// The next usernames to read, the first asked first, and those who have waited too long.
  private func takeSet() -> (set: [[UInt8]: [Completion]], late: [Completion]) {
    var set: [[UInt8]: [Completion]] = [:]
    var late: [Completion] = []
    let oldest = clock.steady - Self.patience
    let taken = names.prefix(Self.largestSet)
    for name in taken {
      for (askedAt, completion) in askers.removeValue(forKey: name) ?? [] {
        waitingCount -= 1
        if askedAt < oldest { late.append(completion) } else { set[name, default: []].append(completion) }
      }
    }
    names.removeFirst(taken.count)
    return (set, late)
  }

  private func serve(_ set: [[UInt8]: [Completion]], _ result: Result<[Rows], PostgreSQLError>) {
    guard case .success(let rows) = result, let rows = rows.first else { return refuseAll(set) }
    var set = set
    for row in rows {
      guard let username = try? row.bytes(4), let completions = set.removeValue(forKey: username) else { continue }
      let found = read(row)
      if case .credential(let credential) = found { cache.insert(username, credential, now: clock.now) }
      for completion in completions { completion(found) }
    }
    for completion in set.values.joined() { completion(.nothing) }
  }

  /// PostgreSQL did not answer: who has come meanwhile would only wait for the same.
  private func refuseAll(_ set: [[UInt8]: [Completion]]) {
    let waiting = askers.values.joined().map(\.completion)
    (names, askers, waitingCount) = ([], [:], 0)
    for completion in set.values.joined() { completion(.unavailable) }
    for completion in waiting { completion(.unavailable) }
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

  private static let byUsername = Statement(
    "credentials.by_username",
    "SELECT device, secret, pending_secret, readmit_until, username FROM credential WHERE username = ANY($1)")
  private static let byDevice = Statement(
    "credentials.by_device", "SELECT device, secret, pending_secret, readmit_until FROM credential WHERE device = $1")
  private static let hold = Statement(
    "credentials.hold",
    """
    UPDATE credential SET held_at = now(), held_peer = $2, held_count = held_count + 1
     WHERE device = $1 AND (held_at IS NULL OR held_at < now() - interval '1 min')
    """)
}
