import Testing

@testable import Gateway

/// Credentials that are looked up in sets (docs/architecture.md, section 5).
@Suite("Look-ups")
struct LookUpsTests {
  private var lookUps = LookUps<Int, String>()

  private mutating func ask(_ keys: some Sequence<Int>, at now: Int64 = 0, _ told: @escaping (Int) -> Void = { _ in }) {
    for key in keys { lookUps.ask(key, at: now) { _ in told(key) } }
  }

  /// The keys that are read next; nil where nothing is.
  private mutating func begin(at now: Int64 = 0) -> [Int]? { lookUps.begin(now: now)?.set.keys.sorted() }

  @Test("who asks while a read is under way is read with the others, in one set, when it has ended")
  mutating func gathered() {
    ask([1])
    #expect(begin() == [1])
    ask([2, 3, 2])
    #expect(begin() == nil)
    #expect(lookUps.underWay == 4)
    lookUps.end()
    let turn = lookUps.begin(now: 0)
    #expect(turn?.set.mapValues(\.count) == [2: 2, 3: 1])
    lookUps.end()
    #expect(begin() == nil)
    #expect(lookUps.underWay == 0)
  }

  @Test("a set is bounded, and the first that were asked for come first")
  mutating func bounded() {
    ask(0..<300)
    #expect(begin() == Array(0..<256))
    lookUps.end()
    #expect(begin() == Array(256..<300))
  }

  @Test("those who may wait are bounded")
  mutating func room() {
    ask(0..<4_095)
    #expect(lookUps.hasRoom)
    ask([1])
    #expect(!lookUps.hasRoom)
    _ = begin()
    #expect(lookUps.hasRoom)
  }

  @Test("who has waited for more than two seconds is told so, and is not read; a read of nobody has not begun")
  mutating func patience() {
    var late: [Int] = []
    ask([1, 2]) { late.append($0) }
    ask([2, 3], at: 1)
    var turn = lookUps.begin(now: 2_000_001)
    #expect(turn?.set.mapValues(\.count) == [2: 1, 3: 1])
    for completion in turn?.late ?? [] { completion("") }
    #expect(late == [1, 2])
    lookUps.end()
    ask([4])
    turn = lookUps.begin(now: 2_000_001)
    #expect(turn?.set.isEmpty == true && turn?.late.count == 1)
    ask([5], at: 2_000_001)
    #expect(begin(at: 2_000_001) == [5])
  }

  @Test("when a read fails all who wait are told at once, and who asks then is read anew")
  mutating func failed() {
    var told: [Int] = []
    ask([1])
    #expect(begin() == [1])
    ask([2, 3, 3]) { told.append($0) }
    lookUps.end()
    for completion in lookUps.removeAll() { completion("") }
    #expect(told == [2, 3, 3])
    #expect(lookUps.underWay == 0)
    ask([3])
    #expect(begin() == [3])
  }
}
