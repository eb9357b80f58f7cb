import Cryptography
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

  private let lane: Lane
  private let sealer: ValueSealer
  private var cache: CredentialCache

  init(lane: Lane, keyring: ClusterKeyring, capacity: Int) {
    self.lane = lane
    sealer = ValueSealer(keyring)
    cache = CredentialCache(capacity: capacity)
  }

  /// What the cache holds under a username.
  func cached(_ username: [UInt8], now: Int64) -> StoredCredential? { cache.credential(username, now: now) }

  /// Forgets a username.
  func forget(_ username: [UInt8]) { cache.forget(username) }

  /// Reads the credential under a username, and keeps it in the cache.
  func read(username: [UInt8], now: Int64, _ completion: @escaping (Found) -> Void) {
    guard username.count <= 256, !username.contains(0) else { return completion(.nothing) }
    run(Call(Self.byUsername, .utf8(username))) { found in
      if case .credential(let credential) = found { self.cache.insert(username, credential, now: now) }
      completion(found)
    }
  }

  /// Reads the credential of a device: whether one that came with bootstrap has its own.
  func read(device: UUID128, _ completion: @escaping (Found) -> Void) {
    run(Call(Self.byDevice, .uuid(device)), completion)
  }

  /// Notes that a device was held: for an operator to see and release. Best effort.
  func noteHeld(_ device: UUID128, peer: String) {
    lane.submit([Call(Self.hold, .uuid(device), .text(peer))]) { _ in }
  }

  private func run(_ call: Call, _ completion: @escaping (Found) -> Void) {
    lane.submit([call], deadline: .seconds(3)) { [sealer] result in
      switch result {
      case .failure: completion(.unavailable)
      case .success(let rows): completion(Self.read(rows[0], sealer))
      }
    }
  }

  private static func read(_ rows: Rows, _ sealer: ValueSealer) -> Found {
    guard let row = rows.first else { return .nothing }
    do throws(PostgreSQLError) {
      let device = try row.uuid(0)
      func open(_ sealed: [UInt8]?) -> SecretKey? {
        sealed.flatMap { sealed in
          (try? sealer.open(sealed.span, associatedData: device.bytes.span)).map { SecretKey($0) }
        }
      }
      return .credential(
        StoredCredential(
          device: device, secret: open(try row.optionalBytes(1)), pending: open(try row.optionalBytes(2)),
          readmitUntil: try row.optionalTimestamp(3) ?? 0))
    } catch {
      return .unavailable
    }
  }

  private static let byUsername = Statement(
    "credentials.by_username",
    "SELECT device, secret, pending_secret, readmit_until FROM credential WHERE username = $1")
  private static let byDevice = Statement(
    "credentials.by_device", "SELECT device, secret, pending_secret, readmit_until FROM credential WHERE device = $1")
  private static let hold = Statement(
    "credentials.hold",
    """
    UPDATE credential SET held_at = now(), held_peer = $2, held_count = held_count + 1
     WHERE device = $1 AND (held_at IS NULL OR held_at < now() - interval '1 min')
    """)
}
