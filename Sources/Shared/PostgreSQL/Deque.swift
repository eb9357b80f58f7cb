/// A first-in first-out queue in a ring, which also takes back at its front.
struct Deque<Element> {
  private var ring: [Element?] = []
  private var head = 0
  private(set) var count = 0

  var isEmpty: Bool { count == 0 }
  var first: Element? { count == 0 ? nil : ring[head] }
  var last: Element? { count == 0 ? nil : ring[place(count - 1)] }

  mutating func append(_ element: Element) {
    growIfFull()
    ring[place(count)] = element
    count += 1
  }

  mutating func prepend(_ element: Element) {
    growIfFull()
    head = (head + ring.count - 1) % ring.count
    ring[head] = element
    count += 1
  }

  mutating func popFirst() -> Element? {
    guard count > 0, let element = ring[head] else { return nil }
    ring[head] = nil
    head = place(1)
    count -= 1
    return element
  }

  /// Empties the queue and returns what was in it, in order.
  mutating func removeAll() -> [Element] {
    var all: [Element] = []
    all.reserveCapacity(count)
    while let element = popFirst() { all.append(element) }
    return all
  }

  /// The elements in order.
  var elements: [Element] { (0..<count).compactMap { ring[place($0)] } }

  private func place(_ index: Int) -> Int { (head + index) % ring.count }

  private mutating func growIfFull() {
    guard count == ring.count else { return }
    var larger: [Element?] = elements
    larger.append(contentsOf: repeatElement(nil, count: max(16, count)))
    ring = larger
    head = 0
  }
}
