import Cryptography

/// Sessions that a worker has ended lately, as many as there is room for: a POST that comes after the end is answered
/// without asking the worker again, as often as a CPE cares to send it.
struct EndedSessions {
  private static let most = 2_048
  private var young: Set<UUID128> = []
  private var old: Set<UUID128> = []

  func contains(_ session: UUID128) -> Bool { young.contains(session) || old.contains(session) }

  mutating func insert(_ session: UUID128) {
    if young.count == Self.most {
      old = young
      young.removeAll(keepingCapacity: true)
    }
    young.insert(session)
  }

  /// Something was said in the session since: the worker may want more of it.
  mutating func remove(_ session: UUID128) {
    young.remove(session)
    old.remove(session)
  }
}
