/// Whose turn is next: round and round, or each once.
struct TurnOrder {
  let count: Int
  let isOnceEach: Bool
  private var given = 0

  init(count: Int, isOnceEach: Bool) {
    self.count = count
    self.isOnceEach = isOnceEach
  }

  /// The next place; nil when each has had its only turn.
  mutating func next() -> Int? {
    if given == count {
      if isOnceEach || count == 0 { return nil }
      given = 0
    }
    defer { given += 1 }
    return given
  }
}
