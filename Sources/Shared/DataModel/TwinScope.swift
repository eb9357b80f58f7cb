/// Which blocks of a twin a piece of work needs, told without knowing which exist.
///
/// The block of a parameter is one of those keyed by the objects around it, so those keys are asked for; one that is
/// not stored is then known to be absent. Of a subtree, every key that begins with it is asked for as well.
public struct TwinScope: Sendable, Equatable {
  /// Whether all of the device's blocks are needed.
  public private(set) var isEverything = false
  /// Keys of single blocks: `path = ANY(...)`.
  public private(set) var keys: Set<String> = []
  /// Keys' beginnings, each ending in a dot: `path ^@ ANY(...)`. Blocks of these keys themselves are in ``keys`` too.
  public private(set) var subtrees: Set<String> = []

  /// Nothing.
  public init() {}

  /// All of a device's blocks.
  public static var everything: TwinScope {
    var scope = TwinScope()
    scope.isEverything = true
    return scope
  }

  /// The blocks in which these parameters, and these objects themselves, would be found.
  public init(_ paths: some Sequence<ParameterPath>) {
    for path in paths { insert(path) }
  }

  /// Whether nothing is needed.
  public var isEmpty: Bool { !isEverything && keys.isEmpty && subtrees.isEmpty }

  /// Adds the blocks that can hold this one parameter or object.
  public mutating func insert(_ path: ParameterPath) {
    path.forEachEnclosingObject { key in
      keys.insert(String(key))
      return true
    }
  }

  /// Adds the blocks that can hold the object and anything below it; of a parameter, its own.
  public mutating func insert(subtree path: ParameterPath) {
    if path.isRoot {
      self = .everything
    } else {
      insert(path)
      if path.isObject { subtrees.insert(path.text) }
    }
  }

  /// Adds what another piece of work needs.
  public mutating func formUnion(_ other: TwinScope) {
    isEverything = isEverything || other.isEverything
    keys.formUnion(other.keys)
    subtrees.formUnion(other.subtrees)
  }

  /// What of this the other does not hold: what is still to be loaded.
  public func subtracting(_ loaded: TwinScope) -> TwinScope {
    if loaded.isEverything { return TwinScope() }
    if isEverything { return self }
    var rest = TwinScope()
    rest.keys = keys.filter { !loaded.holds(key: $0) }
    rest.subtrees = subtrees.filter { !loaded.holds(subtree: $0) }
    return rest
  }

  /// Whether the block of that key is in here.
  func holds(key: some StringProtocol) -> Bool {
    isEverything || keys.contains(String(key)) || holds(subtree: String(key))
  }

  /// Whether every block whose key begins with that is in here.
  func holds(subtree: String) -> Bool {
    isEverything || subtrees.contains { subtree.utf8.starts(with: $0.utf8) }
  }
}

extension ParameterPath {
  /// Calls with the path of each object in which this one lies, and its own if it is an object, the innermost first,
  /// until the body returns false. The root is none of them.
  func forEachEnclosingObject(_ body: (Substring) -> Bool) {
    var end = text.utf8.endIndex
    while end > text.utf8.startIndex {
      let before = text.utf8.index(before: end)
      if text.utf8[before] == UInt8(ascii: "."), !body(text[..<end]) { return }
      end = before
    }
  }
}
