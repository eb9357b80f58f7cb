/// A map from libxml2's interned name pointers to numbers: open addressing over a power of two of slots.
///
/// libxml2 keeps every name of a context once in its dictionary, so equal names have equal pointers.
struct InternedNames {
  private var slots: UnsafeMutablePointer<Slot>
  private let mask: Int

  private struct Slot {
    var pointer: UInt
    var number: Int
  }

  init(pointers: [UnsafePointer<UInt8>]) {
    var capacity = 64
    while capacity < pointers.count * 4 { capacity *= 2 }
    mask = capacity - 1
    slots = .allocate(capacity: capacity)
    slots.initialize(repeating: Slot(pointer: 0, number: 0), count: capacity)
    for (index, pointer) in pointers.enumerated() { insert(UInt(bitPattern: pointer), number: index + 1) }
  }

  /// The number of a name that the context interned; 0 for one outside the vocabulary.
  @inline(__always)
  func number(of name: UnsafePointer<UInt8>) -> Int {
    let pointer = UInt(bitPattern: name)
    var index = home(pointer)
    while true {
      let slot = slots[index]
      if slot.pointer == pointer { return slot.number }
      if slot.pointer == 0 { return 0 }
      index = (index + 1) & mask
    }
  }

  func deallocate() { slots.deallocate() }

  @inline(__always)
  private func home(_ pointer: UInt) -> Int {
    Int(truncatingIfNeeded: (pointer &* 0x9E37_79B9_7F4A_7C15) >> 40) & mask
  }

  private mutating func insert(_ pointer: UInt, number: Int) {
    var index = home(pointer)
    while slots[index].pointer != 0, slots[index].pointer != pointer { index = (index + 1) & mask }
    if slots[index].pointer == 0 { slots[index] = Slot(pointer: pointer, number: number) }
  }
}
