import CWMP

extension CPEState {
  /// A parameter's value as the CPE itself knows it, passwords included.
  func value(at address: NodeAddress, now: Int64) -> String {
    if let written = data.values[address] { return written }
    guard let parameter = model.node(address).parameter else { return "" }
    return parameter.isComputed ? computed(parameter.initial, at: address, now: now) : parameter.initial
  }

  /// A parameter's value as the ACS may read it: hidden ones are empty (item 115).
  func readableValue(at address: NodeAddress, now: Int64) -> String {
    model.node(address).parameter?.isHidden == true ? "" : value(at: address, now: now)
  }

  private func computed(_ initial: String, at address: NodeAddress, now: Int64) -> String {
    if initial.hasPrefix("#") { return String(countInstances(initial.dropFirst(), besides: address)) }
    var result = ""
    var rest = Substring(initial)
    while let dollar = rest.firstIndex(of: "$") {
      result += rest[..<dollar]
      let name = rest[rest.index(after: dollar)...].prefix { $0.isLetter }
      result += filled(name, at: address, now: now)
      rest = rest[name.endIndex...]
    }
    return result + rest
  }

  private func countInstances(_ table: Substring, besides address: NodeAddress) -> Int {
    let siblings = model.nodes[Int(model.node(address).parent)].children
    guard let node = siblings.first(where: { model.nodes[Int($0)].name == table }) else { return 0 }
    return data.instances(of: address.at(node), in: model).count
  }

  private func filled(_ name: Substring, at address: NodeAddress, now: Int64) -> String {
    switch name {
    case "serial": identity.serialNumber
    case "identity": identity.name
    case "index": String(identity.index)
    case "number": String((0..<NodeAddress.deepestNesting).map { address[$0] }.last { $0 > 0 } ?? 0)
    case "mac": identity.macAddress
    case "ip": identity.wanAddress
    case "acs": environment.acs.url
    case "callback": callbackURL
    case "interval": String(environment.periodicInterval)
    case "user": firstCredentials.username
    case "secret": firstCredentials.password
    case "uptime": String(max(0, now - bootedAt) / 1_000)
    case "now": DateTimeText(microseconds: now * 1_000).text
    default: ""
    }
  }

  /// Where connection requests reach it; empty if the fleet does not listen.
  var callbackURL: String {
    guard let port = environment.callbackPort else { return "" }
    let host = callbackHost
    return
      "http://\(host >> 24).\(host >> 16 & 255).\(host >> 8 & 255).\(host & 255):\(port)/\(identity.serialNumber)"
  }

  /// Seconds between periodic Informs; nil if they are off.
  var periodicInterval: UInt32? {
    guard value(at: model.known.periodicEnable, now: 0) == "1" else { return nil }
    return UInt32(value(at: model.known.periodicInterval, now: 0)).map { max(1, $0) }
  }
}

extension ACSAddress {
  /// The URL, without user information.
  public var url: String { "\(isTLS ? "https" : "http")://\(authority)\(target)" }
}
