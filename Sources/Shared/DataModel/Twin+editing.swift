extension Twin {
  /// The index of the block to which the path belongs, which is made where there is none; `nil`, noted in the change,
  /// where it is not loaded.
  mutating func block(for path: ParameterPath, change: inout TwinChange) -> Int? {
    switch home(of: path) {
    case .block(let index): return index
    case .notLoaded:
      change.notLoaded.append(path)
      return nil
    case .absent(let key):
      guard !key.isEmpty else { return nil }
      add(LoadedBlock(block: TwinBlock(key: key)))
      return blocks.count - 1
    }
  }

  /// Changes one entry, which is made where there is none, and marks its block for writing if it is another then.
  /// False where the block is not loaded. A deferred new entry is put among the others by the next ``settleAll()``: for
  /// long lists, whose entries would each move half a block.
  @discardableResult
  mutating func update(
    _ path: ParameterPath, deferred: Bool = false, change: inout TwinChange, _ body: (inout TwinEntry) -> Void
  ) -> Bool {
    guard let index = block(for: path, change: &change) else { return false }
    let name = path.text[blocks[index].block.nameStart(in: path)...]
    let (position, found) = blocks[index].block.position(of: name)
    var entry = found ? blocks[index].block.elements[position].entry : TwinEntry()
    let before = entry
    body(&entry)
    if found {
      guard entry != before else { return true }
      blocks[index].block.elements[position].entry = entry
    } else if deferred {
      blocks[index].added.append(.init(name: String(name), entry: entry))
    } else {
      blocks[index].block.elements.insert(.init(name: String(name), entry: entry), at: position)
    }
    blocks[index].isDirty = true
    return true
  }

  /// Puts a block's new elements among the others.
  mutating func settle(_ index: Int) {
    guard !blocks[index].added.isEmpty else { return }
    let added = blocks[index].added
    blocks[index].added.removeAll()
    blocks[index].block.merge(added)
  }

  mutating func settleAll() {
    for index in blocks.indices { settle(index) }
  }

  /// Takes a block out of the twin.
  mutating func drop(_ index: Int) {
    positions[blocks[index].block.key] = nil
    blocks[index].isDropped = true
    blocks[index].isDirty = false
    blocks[index].block.elements.removeAll()
  }

  /// Forgets the object and everything below it, also in rows that are not loaded; an object's own entry too.
  mutating func forget(subtree path: ParameterPath) {
    for index in blocks.indices where !blocks[index].isDropped {
      if blocks[index].block.key.utf8.starts(with: path.text.utf8) {
        drop(index)
      } else if path.text.utf8.starts(with: blocks[index].block.key.utf8) {
        settle(index)
        let name = path.text[blocks[index].block.nameStart(in: path)...]
        let count = blocks[index].block.elements.count
        blocks[index].block.elements.removeAll { $0.name.utf8.starts(with: name.utf8) }
        if blocks[index].block.elements.count != count { blocks[index].isDirty = true }
      }
    }
    removals.deletedSubtrees.append(path.text)
  }
}
