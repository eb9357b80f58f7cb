/// The instances of a table, as far as they are known.
public struct TwinInstances: Sendable, Equatable {
  /// Their names between dots: numbers, or aliases with their brackets; numbers first, in ascending order.
  public var names: [String]
  /// When the complete list was last learned; `nil` where only some may be known.
  public var completeAt: UnixMilliseconds?

  /// Makes a list.
  public init(names: [String], completeAt: UnixMilliseconds?) {
    self.names = names
    self.completeAt = completeAt
  }

  /// Those that have a number.
  public var numbers: [UInt32] { names.compactMap { UInt32($0) } }
}

extension Twin {
  /// The instances of the table, given with its final dot; `nil` where its blocks are not all loaded.
  public func instances(of table: ParameterPath) -> TwinInstances? {
    guard table.isObject, isLoaded(subtree: table) else { return nil }
    var names: Set<String> = []
    forEach(under: table) { path, _ in
      if let child = table.child(on: path), ParameterPath.isInstance(child) { names.insert(String(child)) }
    }
    let sorted = names.sorted { left, right in
      switch (UInt32(left), UInt32(right)) {
      case (let left?, let right?): left < right
      case (_?, nil): true
      case (nil, _?): false
      case (nil, nil): left < right
      }
    }
    return TwinInstances(names: sorted, completeAt: lookup(table).entry?.childrenAt)
  }

  /// Takes in a GetParameterNamesResponse for that path and NextLevel.
  ///
  /// Instances of tables that the answer covers and does not name are gone. Objects are told from parameters by their
  /// final dot, or else by having children in the answer or in what is known, or by being an instance (items 124 to
  /// 126, Q32); objects that only their descendants show are there as well (Q33).
  public mutating func apply(
    names: some Collection<ReportedName>, asked: ParameterPath, nextLevel: Bool, at now: UnixMilliseconds
  ) -> TwinChange {
    var change = TwinChange()
    let names = objectsCompleted(names)
    forgetMissing(names, asked: asked, nextLevel: nextLevel, at: now)
    for name in names where !name.path.isRoot {
      update(name.path, deferred: true, change: &change) { entry in
        entry.writable = name.writable
        entry.writableAt = now
        if !nextLevel, name.path.isObject { entry.childrenAt = now }
      }
    }
    settleAll()
    if asked.isObject, !asked.isRoot {
      update(asked, change: &change) { $0.childrenAt = now }
    }
    return change
  }

  /// Takes in attributes that were read, or that were set with success; those of an object hold for all below it.
  public mutating func apply(
    attributes: some Sequence<ReportedAttributes>, at now: UnixMilliseconds
  ) -> TwinChange {
    var change = TwinChange()
    for attribute in attributes {
      let paths =
        attribute.path.isObject ? entries(under: attribute.path).map(\.path).filter { !$0.isObject } : [attribute.path]
      for path in paths {
        update(path, change: &change) { entry in
          if let notification = attribute.notification { entry.notification = notification }
          if let accessList = attribute.accessList { entry.accessList = accessList }
          entry.attributesAt = now
        }
      }
    }
    return change
  }

  /// Takes in that AddObject on the table gave this instance (item 136).
  public mutating func apply(
    addedInstance number: UInt32, of table: ParameterPath, at now: UnixMilliseconds
  ) -> TwinChange {
    var change = TwinChange()
    update(table.instance(number), change: &change) { entry in
      entry.writable = true
      entry.writableAt = now
    }
    return change
  }

  /// Takes in that DeleteObject removed the object: it and everything below it is forgotten (item 137).
  public mutating func apply(deletedObject path: ParameterPath) {
    guard path.isObject, !path.isRoot else { return }
    forget(subtree: path)
  }

  /// Takes in a `0 BOOTSTRAP`: nothing that was known of the device holds any more (item 83).
  public mutating func applyBootstrap() {
    self = Twin()
    removals.deletesEverything = true
  }

  private func objectsCompleted(_ names: some Collection<ReportedName>) -> [ReportedName] {
    var parents: Set<String> = []
    for name in names {
      name.path.forEachEnclosingObject { parents.insert(String($0)).inserted }
    }
    return names.map { name in
      guard !name.path.isObject else { return name }
      let object = ParameterPath(unchecked: name.path.text + ".")
      let isObject =
        parents.contains(object.text) || ParameterPath.isInstance(name.path.lastSegment) || isKnownObject(object)
      return isObject ? ReportedName(path: object, writable: name.writable) : name
    }
  }

  private func isKnownObject(_ path: ParameterPath) -> Bool {
    if positions[path.text] != nil || lookup(path).entry != nil { return true }
    guard case .block(let index) = home(of: path) else { return false }
    let block = blocks[index].block
    let name = path.text[block.nameStart(in: path)...]
    let position = block.position(of: name).index
    return position < block.elements.count && block.elements[position].name.utf8.starts(with: name.utf8)
  }

  /// Forgets the instances below the asked object, only its own with NextLevel, that no name of the answer lies in.
  private mutating func forgetMissing(
    _ names: [ReportedName], asked: ParameterPath, nextLevel: Bool, at now: UnixMilliseconds
  ) {
    guard asked.isObject else { return }
    var present: Set<String> = []
    for name in names {
      name.path.forEachEnclosingObject { present.insert(String($0)).inserted }
    }
    var missing: Set<ParameterPath> = []
    forEach(under: asked) { path, _ in
      if let gone = path.outermostInstance(below: asked, nextLevel: nextLevel, where: { !present.contains($0) }) {
        missing.insert(gone)
      }
    }
    for path in missing.sorted() { forget(subtree: path) }
  }
}

extension ParameterPath {
  /// The name that follows this object on the way to the path: `1` of `T.` and `T.1.Name`.
  fileprivate func child(on path: ParameterPath) -> Substring? {
    guard contains(path), path.text.utf8.count > text.utf8.count else { return nil }
    let rest = path.text[path.text.utf8.index(path.text.startIndex, offsetBy: text.utf8.count)...]
    guard let dot = rest.utf8.firstIndex(of: UInt8(ascii: ".")) else { return nil }
    return rest[..<dot]
  }

  /// The outermost instance below the object, on the way to this path, of which the test says yes.
  fileprivate func outermostInstance(
    below object: ParameterPath, nextLevel: Bool, where isMissing: (String) -> Bool
  ) -> ParameterPath? {
    var found: ParameterPath?
    forEachEnclosingObject { enclosing in
      guard enclosing.utf8.count > object.text.utf8.count else { return false }
      let instance = ParameterPath(unchecked: String(enclosing))
      if ParameterPath.isInstance(instance.lastSegment), !nextLevel || instance.parent == object,
        isMissing(instance.text)
      {
        found = instance
      }
      return true
    }
    return found
  }
}
