/// What to write for a twin after messages were applied to it, in this order: deletions, then ``upserts``.
public struct TwinWrites: Sendable, Equatable {
  /// Delete every block of the device.
  public internal(set) var deletesEverything = false
  /// Delete every block whose key begins with one of these (`path ^@ ANY(...)`).
  public internal(set) var deletedSubtrees: [String] = []
  /// Delete the blocks of these keys.
  public internal(set) var deletedKeys: [String] = []
  /// Write these blocks; each key stands once.
  public internal(set) var upserts: [StoredBlock] = []

  init() {}

  /// Whether nothing is to be written.
  public var isEmpty: Bool { !deletesEverything && deletedSubtrees.isEmpty && deletedKeys.isEmpty && upserts.isEmpty }
}

extension Twin {
  /// The rows that differ from what is stored, and forgets that they do: to be called once for a batch, whose failure
  /// drops the twin from memory.
  ///
  /// A block over ``TwinBlock/softLimit`` gives its largest child objects to blocks of their own.
  public mutating func takeWrites() -> TwinWrites {
    var writes = removals
    removals = TwinWrites()
    var index = 0
    // Splitting appends blocks, which are then visited too.
    while index < blocks.count {
      if blocks[index].isDirty, !blocks[index].isDropped { write(index, into: &writes) }
      index += 1
    }
    return writes
  }

  private mutating func write(_ index: Int, into writes: inout TwinWrites) {
    settle(index)
    var bytes = blocks[index].block.encode()
    while bytes.count > TwinBlock.softLimit, split(index, size: bytes.count) { bytes = blocks[index].block.encode() }
    blocks[index].isDirty = false
    if !blocks[index].block.elements.isEmpty {
      writes.upserts.append(StoredBlock(key: blocks[index].block.key, bytes: bytes))
      blocks[index].isStored = true
    } else {
      if blocks[index].isStored { writes.deletedKeys.append(blocks[index].block.key) }
      drop(index)
    }
  }

  /// Moves the largest child objects out until the rest fits; false where there is none to move.
  private mutating func split(_ index: Int, size: Int) -> Bool {
    var sizes: [Substring: Int] = [:]
    for element in blocks[index].block.elements {
      if let child = element.child { sizes[child, default: 0] += element.approximateSize }
    }
    guard !sizes.isEmpty else { return false }
    var excess = size - TwinBlock.softLimit * 3 / 4
    var leaving: [Substring: [TwinBlock.Element]] = [:]
    for (child, size) in sizes.sorted(by: { ($0.value, $1.key) > ($1.value, $0.key) }) where excess > 0 {
      leaving[child] = []
      excess -= size
    }
    let key = blocks[index].block.key
    blocks[index].block.elements.removeAll { element in
      guard let child = element.child, leaving[child] != nil else { return false }
      leaving[child]?.append(.init(name: String(element.name[child.endIndex...]), entry: element.entry))
      return true
    }
    for (child, elements) in leaving.sorted(by: { $0.key < $1.key }) {
      add(LoadedBlock(block: TwinBlock(key: key + child, elements: elements), isDirty: true))
    }
    return true
  }
}

extension TwinBlock.Element {
  /// The first object in the name, with its dot: what a split moves as a whole.
  fileprivate var child: Substring? {
    guard let dot = name.utf8.firstIndex(of: UInt8(ascii: ".")) else { return nil }
    return name[...dot]
  }

  /// About how many bytes the element takes in the encoding.
  fileprivate var approximateSize: Int {
    name.utf8.count / 2 + (entry.text?.utf8.count ?? 0) + 8
  }
}
