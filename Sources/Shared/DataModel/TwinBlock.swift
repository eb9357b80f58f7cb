/// One stored row of a device's twin: what is known of one object and of what lies below it.
///
/// The key is an object's path. A parameter belongs to the block with the longest key that begins its path, so a block
/// that grows too large gives whole child objects to blocks of their own, and nothing else needs an index.
public struct TwinBlock: Sendable, Equatable {
  /// One name below the key, and what is known of it.
  public struct Element: Sendable, Equatable {
    /// The path without the block's key: empty for the key's object itself.
    public var name: String
    /// What is known.
    public var entry: TwinEntry

    /// Makes an element.
    public init(name: String, entry: TwinEntry) {
      self.name = name
      self.entry = entry
    }
  }

  /// What a block should not exceed, in bytes: a row with it stays inside a page of PostgreSQL without TOAST.
  public static let softLimit = 1_800

  /// The path of the object, with its dot.
  public let key: String
  /// The elements in ascending order of their names, each name once.
  public internal(set) var elements: [Element]

  /// Makes a block; the elements are put into order, the last of those with one name stays.
  public init(key: String, elements: [Element] = []) {
    self.key = key
    self.elements = []
    merge(elements)
  }

  /// Where an element of that name is, or the place at which it would stand.
  func position(of name: Substring) -> (index: Int, found: Bool) {
    var low = 0
    var high = elements.count
    while low < high {
      let middle = (low + high) / 2
      if elements[middle].name < name { low = middle + 1 } else { high = middle }
    }
    return (low, low < elements.count && elements[low].name == name)
  }

  /// Takes in elements in any order; a later one replaces an earlier one of the same name.
  mutating func merge(_ added: [Element]) {
    guard !added.isEmpty else { return }
    let sorted = (elements + added).enumerated().sorted { left, right in
      left.element.name == right.element.name ? left.offset < right.offset : left.element.name < right.element.name
    }
    elements.removeAll(keepingCapacity: true)
    for (_, element) in sorted {
      if elements.last?.name == element.name { elements.removeLast() }
      elements.append(element)
    }
  }
}

/// A block's row as PostgreSQL holds it.
public struct StoredBlock: Sendable, Equatable {
  /// The block's key: the path of its object.
  public var key: String
  /// The block's encoding (``TwinBlock/encode()``).
  public var bytes: [UInt8]

  /// Makes a row.
  public init(key: String, bytes: [UInt8]) {
    self.key = key
    self.bytes = bytes
  }
}
