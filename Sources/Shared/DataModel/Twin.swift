/// What we know of one device: its parameters and objects with values, types, writability, attributes, and when each
/// was learned (docs/architecture.md, section 5).
///
/// A twin is a value over those of the device's stored blocks that its user loaded, and says of all else that it is not
/// loaded. Messages are applied to it; ``takeWrites()`` then gives the rows to write. It keeps no secret (item 115).
public struct Twin: Sendable {
  /// An answer about one path.
  public enum Knowledge: Sendable, Equatable {
    /// The path's block is not among those loaded.
    case notLoaded
    /// Nothing is known of the path.
    case unknown
    /// This is known.
    case known(TwinEntry)

    /// What is known, if anything is.
    public var entry: TwinEntry? {
      if case .known(let entry) = self { entry } else { nil }
    }
  }

  /// How old a value's stored time may grow before a report of the very same value makes us write it again, in
  /// milliseconds: an Inform that brings nothing new writes each block at most this often.
  public static let touchInterval: UnixMilliseconds = 3_600_000

  /// The blocks that are loaded, or known to be absent.
  public private(set) var scope: TwinScope
  /// Stored blocks that could not be read. They count as empty and are overwritten as the device is learned again.
  public private(set) var damaged: [TwinBlockError] = []

  var blocks: [LoadedBlock] = []
  var positions: [String: Int] = [:]
  var removals = TwinWrites()

  /// A twin of which everything is known, namely that nothing is: a new device's.
  public init() {
    scope = .everything
  }

  /// A twin over the stored blocks that the scope asked for.
  public init(stored: some Sequence<StoredBlock>, scope: TwinScope) {
    self.scope = TwinScope()
    load(stored, scope: scope)
  }

  /// Adds further stored blocks that a further scope asked for; blocks already here stay as they are.
  public mutating func load(_ stored: some Sequence<StoredBlock>, scope: TwinScope) {
    for row in stored where positions[row.key] == nil && !self.scope.holds(key: row.key) {
      do throws(TwinBlockError) {
        add(LoadedBlock(block: try TwinBlock(row), isStored: true))
      } catch {
        damaged.append(error)
        add(LoadedBlock(block: TwinBlock(key: row.key), isStored: true, isDirty: true))
      }
    }
    self.scope.formUnion(scope)
  }

  /// What is known of one parameter or object.
  public func lookup(_ path: ParameterPath) -> Knowledge {
    switch home(of: path) {
    case .notLoaded: return .notLoaded
    case .absent: return .unknown
    case .block(let index):
      let block = blocks[index].block
      let (position, found) = block.position(of: path.text[block.nameStart(in: path)...])
      return found ? .known(block.elements[position].entry) : .unknown
    }
  }

  /// The value of one parameter as text: `nil` where it is unknown, secret or not loaded.
  public func text(_ path: ParameterPath) -> String? { lookup(path).entry?.text }

  /// Whether everything that is stored below the object is loaded.
  public func isLoaded(subtree: ParameterPath) -> Bool {
    var needed = TwinScope()
    needed.insert(subtree: subtree)
    return needed.subtracting(scope).isEmpty
  }

  /// Everything loaded that is known at or below the path, in order of the paths.
  public func entries(under path: ParameterPath = .root) -> [(path: ParameterPath, entry: TwinEntry)] {
    var found: [(path: ParameterPath, entry: TwinEntry)] = []
    forEach(under: path) { found.append(($0, $1)) }
    return found.sorted { $0.path < $1.path }
  }

  func forEach(under path: ParameterPath, _ body: (ParameterPath, TwinEntry) -> Void) {
    for loaded in blocks where !loaded.isDropped && loaded.mayHold(path) {
      for element in loaded.block.elements {
        let full = ParameterPath(unchecked: loaded.block.key + element.name)
        if path.contains(full) { body(full, element.entry) }
      }
    }
  }
}

/// A block in memory, and how it stands to its row.
struct LoadedBlock: Sendable {
  var block: TwinBlock
  /// Whether there is a row of this key.
  var isStored = false
  /// Whether the row must be written.
  var isDirty = false
  /// Whether the block is gone from the twin; its place stays so that others keep theirs.
  var isDropped = false
  /// Elements that came since the block was last put in order.
  var added: [TwinBlock.Element] = []

  /// Whether anything at or below the path can be in here.
  func mayHold(_ path: ParameterPath) -> Bool {
    block.key.utf8.starts(with: path.text.utf8) || path.text.utf8.starts(with: block.key.utf8)
  }
}

/// Where a path is to be found.
enum TwinHome {
  case notLoaded
  /// In no block: the key that a new block for it would have.
  case absent(key: String)
  case block(Int)
}

extension Twin {
  mutating func add(_ block: LoadedBlock) {
    positions[block.block.key] = blocks.count
    blocks.append(block)
  }

  /// The block with the longest key that begins the path.
  func home(of path: ParameterPath) -> TwinHome {
    var home: TwinHome?
    var outermost = ""
    path.forEachEnclosingObject { object in
      let key = String(object)
      outermost = key
      if let index = positions[key] {
        home = .block(index)
      } else if !scope.holds(key: key) {
        home = .notLoaded
      }
      return home == nil
    }
    return home ?? .absent(key: outermost)
  }
}

extension TwinBlock {
  /// Where in the path the name begins that this block knows it by.
  func nameStart(in path: ParameterPath) -> String.Index {
    path.text.utf8.index(path.text.utf8.startIndex, offsetBy: key.utf8.count)
  }
}
