/// Look-ups of one kind in PostgreSQL. One read at a time: who asks meanwhile is read together with the others, so that
/// a fleet of which nobody is in the cache costs a statement a set, and not one a session. Who asks for the same key
/// shares its place. Holds no clock and sends nothing.
struct LookUps<Key: Hashable, Answer> {
  typealias Completion = (Answer) -> Void

  /// Keys that are read together at most.
  static var largestSet: Int { 256 }
  /// Askers that may wait.
  static var mostWaiting: Int { 4_096 }
  /// Microseconds: who has waited for longer when a read begins is told that it takes too long. So nobody waits for
  /// more than this and one read's deadline.
  static var patience: Int64 { 2_000_000 }

  /// What is to be read next.
  struct Turn {
    var set: [Key: [Completion]] = [:]
    /// Those who have waited too long.
    var late: [Completion] = []
  }

  /// Keys that were asked for since the last read began, in their order.
  private var keys: [Key] = []
  private var askers: [Key: [(askedAt: Int64, completion: Completion)]] = [:]
  private var waiting = 0
  private var reading: Int?

  /// How many have asked and have no answer yet; those of one key that is being read are one.
  var underWay: Int { waiting + (reading ?? 0) }

  /// Whether one more may ask.
  var hasRoom: Bool { waiting < Self.mostWaiting }

  /// Notes who asks for a key, at a time of a clock that does not jump, in microseconds. Needs room.
  mutating func ask(_ key: Key, at now: Int64, _ completion: @escaping Completion) {
    if askers[key] == nil { keys.append(key) }
    askers[key, default: []].append((now, completion))
    waiting += 1
  }

  /// Begins the next read, the first asked first; nil while one is under way or nobody waits. Where all have waited
  /// too long the set is empty, and no read has begun.
  mutating func begin(now: Int64) -> Turn? {
    guard reading == nil, !keys.isEmpty else { return nil }
    var turn = Turn()
    let taken = keys.prefix(Self.largestSet)
    for key in taken {
      for (askedAt, completion) in askers.removeValue(forKey: key) ?? [] {
        waiting -= 1
        if now - askedAt > Self.patience {
          turn.late.append(completion)
        } else {
          turn.set[key, default: []].append(completion)
        }
      }
    }
    keys.removeFirst(taken.count)
    if !turn.set.isEmpty { reading = turn.set.count }
    return turn
  }

  /// The read has ended, well or not.
  mutating func end() { reading = nil }

  /// Takes out all who wait for a later read.
  mutating func removeAll() -> [Completion] {
    defer { (keys, askers, waiting) = ([], [:], 0) }
    return keys.flatMap { askers[$0] ?? [] }.map(\.completion)
  }
}
