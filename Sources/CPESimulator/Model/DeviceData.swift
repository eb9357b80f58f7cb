/// What one CPE's data model holds beyond its shared model: written values, tables whose instances have changed,
/// notification attributes. Empty for a CPE to which nothing has happened.
struct DeviceData: Sendable {
  struct Instances: Sendable, Equatable {
    var numbers: [UInt16]
    /// Never given out before; numbers are not used again.
    var next: UInt16
  }

  private(set) var values: [NodeAddress: String] = [:]
  private(set) var tables: [NodeAddress: Instances] = [:]
  private(set) var notifications: [NodeAddress: UInt8] = [:]

  init() {}

  // MARK: - Values and attributes

  mutating func write(_ value: String, at address: NodeAddress) { values[address] = value }

  mutating func notify(_ notification: UInt8, at address: NodeAddress) { notifications[address] = notification }

  /// 0 off, 1 passive, 2 active (item 138).
  func notification(at address: NodeAddress, in model: DeviceModel) -> UInt8 {
    notifications[address] ?? (model.node(address).parameter?.forcesNotification == true ? 2 : 0)
  }

  // MARK: - Instances

  /// The instance numbers of a table, ascending.
  func instances(of table: NodeAddress, in model: DeviceModel) -> [UInt16] {
    if let changed = tables[table] { return changed.numbers }
    guard case .table(let initial, _) = model.node(table).kind, initial > 0 else { return [] }
    return Array(1...initial)
  }

  /// Whether an address is there: all the instances on its way are.
  func contains(_ address: NodeAddress, in model: DeviceModel) -> Bool {
    let node = model.node(address)
    if node.isTable, address[node.level] != 0 {
      let table = address.numbered(0, at: node.level)
      guard instances(of: table, in: model).contains(address[node.level]) else { return false }
    }
    return address.node == 0 || contains(address.at(node.parent), in: model)
  }

  /// Makes an instance of an existing table and gives its number (item 136).
  mutating func add(to table: NodeAddress, in model: DeviceModel) -> UInt16 {
    let present = instances(of: table, in: model)
    var content = tables[table] ?? Instances(numbers: present, next: (present.last ?? 0) + 1)
    let number = content.next
    content.numbers.append(number)
    content.next += 1
    tables[table] = content
    return number
  }

  /// Deletes an existing instance and all that was written below it.
  mutating func delete(_ instance: NodeAddress, in model: DeviceModel) {
    let level = model.node(instance).level
    let table = instance.numbered(0, at: level)
    let present = instances(of: table, in: model)
    var content = tables[table] ?? Instances(numbers: present, next: (present.last ?? 0) + 1)
    content.numbers.removeAll { $0 == instance[level] }
    values = values.filter { !Self.isBelow($0.key, instance, level, model) }
    notifications = notifications.filter { !Self.isBelow($0.key, instance, level, model) }
    tables = tables.filter { !Self.isBelow($0.key, instance, level, model) }
    tables[table] = content
  }

  private static func isBelow(
    _ address: NodeAddress, _ instance: NodeAddress, _ level: Int, _ model: DeviceModel
  ) -> Bool {
    guard (0...level).allSatisfy({ address[$0] == instance[$0] }) else { return false }
    var node = address.node
    while node != 0 {
      if node == instance.node { return true }
      node = model.nodes[Int(node)].parent
    }
    return false
  }

  // MARK: - Walking

  /// All parameters at or below an address, in the model's order.
  func parameters(below address: NodeAddress, in model: DeviceModel) -> [NodeAddress] {
    var found: [NodeAddress] = []
    walk(address, in: model) { place in
      if model.node(place).parameter != nil { found.append(place) }
      return true
    }
    return found
  }

  /// What stands one level below an object, a table or an instance.
  func children(of address: NodeAddress, in model: DeviceModel) -> [NodeAddress] {
    let node = model.node(address)
    if node.isTable, address[node.level] == 0 {
      return instances(of: address, in: model).map { address.numbered($0, at: node.level) }
    }
    return node.children.map { address.at($0) }
  }

  /// Visits an address and everything below it; `visit` says whether to go deeper.
  func walk(_ address: NodeAddress, in model: DeviceModel, _ visit: (NodeAddress) -> Bool) {
    guard visit(address) else { return }
    for child in children(of: address, in: model) { walk(child, in: model, visit) }
  }
}
