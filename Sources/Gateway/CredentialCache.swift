import Cryptography

/// Credentials by username, for ten minutes and bounded (docs/architecture.md, section 5). Only a match is served from
/// it: who asks after a mismatch reads PostgreSQL again. One a loop.
struct CredentialCache {
  private static let lifetime: Int64 = 600_000_000
  private let capacity: Int
  private var young: [[UInt8]: Entry] = [:]
  private var old: [[UInt8]: Entry] = [:]

  private struct Entry {
    var credential: StoredCredential
    var readAt: Int64
  }

  /// Creates an empty cache of at most `capacity` entries.
  init(capacity: Int) { self.capacity = max(capacity, 2) }

  /// The credential under `username`, unless it was read too long ago.
  mutating func credential(_ username: [UInt8], now: Int64) -> StoredCredential? {
    guard let entry = young[username] ?? old[username] else { return nil }
    guard now - entry.readAt < Self.lifetime else {
      forget(username)
      return nil
    }
    if young[username] == nil { keep(username, entry) }
    return entry.credential
  }

  /// Keeps what was read.
  mutating func insert(_ username: [UInt8], _ credential: StoredCredential, now: Int64) {
    keep(username, Entry(credential: credential, readAt: now))
  }

  /// Forgets a username, as after a mismatch or when a pending password came into use.
  mutating func forget(_ username: [UInt8]) {
    young[username] = nil
    old[username] = nil
  }

  // Two generations: when the young one has half of the room, the old one goes. What is used moves to the young one.
  private mutating func keep(_ username: [UInt8], _ entry: Entry) {
    if young.count >= capacity / 2 {
      old = young
      young = [:]
    }
    young[username] = entry
  }
}
