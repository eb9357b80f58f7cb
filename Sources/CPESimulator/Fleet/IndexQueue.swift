/// A first-in, first-out queue of places.
struct IndexQueue {
  private var items: [Int] = []
  private var start = 0

  var count: Int { items.count - start }

  mutating func append(_ item: Int) { items.append(item) }

  mutating func popFirst() -> Int? {
    guard start < items.count else { return nil }
    defer {
      start += 1
      if start > 1_024, start * 2 > items.count {
        items.removeFirst(start)
        start = 0
      }
    }
    return items[start]
  }
}
