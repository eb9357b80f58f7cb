import Cryptography
import EventLog
import Fleet
import PostgreSQL

/// Credentials in PostgreSQL, as the gateway reads them: callbacks on the loop, no task. Lives on its lane's loop.
final class CredentialStore {
  /// What a look-up came to.
  enum Found {
    case credential(StoredCredential)
    case nothing
    /// PostgreSQL is away: nobody can be told apart who is not in the cache.
    case unavailable
  }

  /// Who waits for the credential of a username.
  private typealias Askers = [[UInt8]: [(Found) -> Void]]

  private static let largestSet = 256

  private let lane: Lane
  private let sealer: ValueSealer
  private let clock: DatabaseClock
  private var cache: CredentialCache
  /// Asked since the last read began: they go together with the next one. Bounded by the POSTs that are let in.
  private var waiting: Askers = [:]
  private var isReading = false

  init(lane: Lane, keyring: ClusterKeyring, clock: DatabaseClock, capacity: Int) {
    self.lane = lane
    self.clock = clock
    sealer = ValueSealer(keyring)
    cache = CredentialCache(capacity: capacity)
  }

  /// What the cache holds under a username.
  func cached(_ username: [UInt8]) -> StoredCredential? { cache.credential(username, now: clock.now) }

  /// Forgets a username.
  func forget(_ username: [UInt8]) { cache.forget(username) }

  /// Reads the credential under a username, and keeps it in the cache.
  ///
  /// One read at a time: who asks meanwhile is read together, so that a fleet of which nobody is in the cache costs a
  /// statement a set and not one a session.
  func read(username: [UInt8], _ completion: @escaping (Found) -> Void) {
    // PostgreSQL would refuse the whole set for what no username can be.
    guard username.count <= 256, !username.contains(0), String(validating: username, as: UTF8.self) != nil else {
      return completion(.nothing)
    }
    waiting[username, default: []].append(completion)
    readWaiting()
  }

  /// Reads the credential of a device: whether one that came with bootstrap has its own.
  func read(device: UUID128, _ completion: @escaping (Found) -> Void) {
    lane.submit([Call(Self.byDevice, .uuid(device))], deadline: .seconds(3)) { [sealer] result in
      switch result {
      case .failure: completion(.unavailable)
      case .success(let rows): completion(rows[0].first.map { Self.read($0, sealer) } ?? .nothing)
      }
    }
  }

  /// Notes that a device was held: for an operator to see and release. Best effort.
  func noteHeld(_ device: UUID128, peer: String) {
    lane.submit([Call(Self.hold, .uuid(device), .text(peer))]) { _ in }
  }

  private func readWaiting() {
    guard !isReading, !waiting.isEmpty else { return }
    isReading = true
    var askers: Askers = [:]
    if waiting.count <= Self.largestSet {
      swap(&askers, &waiting)
    } else {
      for username in waiting.keys.prefix(Self.largestSet) { askers[username] = waiting.removeValue(forKey: username) }
    }
    var usernames = PostgreSQLArray(.text, minimumCapacity: askers.count)
    for username in askers.keys { usernames.append(text: username) }
    lane.submit([Call(Self.byUsername, .array(usernames))], deadline: .seconds(3)) { [self] result in
      isReading = false
      serve(askers, result)
      readWaiting()
    }
  }

  private func serve(_ askers: Askers, _ result: Result<[Rows], PostgreSQLError>) {
    guard case .success(let rows) = result, let rows = rows.first else {
      for completion in askers.values.joined() { completion(.unavailable) }
      return
    }
    var askers = askers
    for row in rows {
      guard let username = try? row.bytes(4), let completions = askers.removeValue(forKey: username) else { continue }
      let found = Self.read(row, sealer)
      if case .credential(let credential) = found { cache.insert(username, credential, now: clock.now) }
      for completion in completions { completion(found) }
    }
    for completion in askers.values.joined() { completion(.nothing) }
  }

  private static func read(_ row: Row, _ sealer: ValueSealer) -> Found {
    do throws(PostgreSQLError) {
      let device = try row.uuid(0)
      func open(_ sealed: [UInt8]?) -> SecretKey? {
        sealed.flatMap { sealed in
          (try? sealer.open(sealed.span, associatedData: device.bytes.span)).map { SecretKey($0) }
        }
      }
      let pending = try row.optionalBytes(2)
      var credential = StoredCredential(
        device: device, secret: open(try row.optionalBytes(1)), pending: open(pending),
        readmitUntil: try row.optionalTimestamp(3) ?? 0)
      credential.pendingMark = pending.map { CPEMessage.mark(ofSealed: $0) } ?? []
      return .credential(credential)
    } catch {
      return .unavailable
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
