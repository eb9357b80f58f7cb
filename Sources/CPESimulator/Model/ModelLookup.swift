/// Finds addresses by paths in a model's nodes, whether or not the instances exist in a given CPE.
struct ModelLookup {
  let nodes: [ModelNode]

  /// The address of a path without its root and trailing dot; nil if the model has no such place.
  func address<Segments: Collection>(_ segments: Segments) -> NodeAddress?
  where Segments.Element: StringProtocol {
    var address = NodeAddress(node: 0)
    for segment in segments {
      let node = nodes[Int(address.node)]
      if node.isTable, address[node.level] == 0 {
        guard let number = UInt16(segment), number > 0, segment.first != "0", segment.first != "+" else { return nil }
        address[node.level] = number
      } else {
        guard let child = node.children.first(where: { nodes[Int($0)].name == segment }) else { return nil }
        address.node = child
      }
    }
    return address
  }

  func addresses(_ paths: [String]) throws(ModelError) -> [NodeAddress] {
    var found: [NodeAddress] = []
    for path in paths { found.append(try require(path)) }
    return found
  }

  func require(_ path: String) throws(ModelError) -> NodeAddress {
    guard let address = address(path.split(separator: ".")) else {
      throw ModelError(line: 0, reason: "\(nodes[0].name).\(path) is missing")
    }
    return address
  }
}

/// The parameters by which the simulator itself lives.
struct KnownNodes: Sendable {
  let username: NodeAddress
  let password: NodeAddress
  let periodicEnable: NodeAddress
  let periodicInterval: NodeAddress
  let parameterKey: NodeAddress
  let connectionRequestURL: NodeAddress
  let connectionRequestUsername: NodeAddress
  let connectionRequestPassword: NodeAddress
  let softwareVersion: NodeAddress
  /// The address that the provider gives out: what changes when "something has changed".
  let wanAddress: NodeAddress

  init(_ lookup: ModelLookup) throws(ModelError) {
    username = try lookup.require("ManagementServer.Username")
    password = try lookup.require("ManagementServer.Password")
    periodicEnable = try lookup.require("ManagementServer.PeriodicInformEnable")
    periodicInterval = try lookup.require("ManagementServer.PeriodicInformInterval")
    parameterKey = try lookup.require("ManagementServer.ParameterKey")
    connectionRequestURL = try lookup.require("ManagementServer.ConnectionRequestURL")
    connectionRequestUsername = try lookup.require("ManagementServer.ConnectionRequestUsername")
    connectionRequestPassword = try lookup.require("ManagementServer.ConnectionRequestPassword")
    softwareVersion = try lookup.require("DeviceInfo.SoftwareVersion")
    let places = [
      "IP.Interface.1.IPv4Address.1.IPAddress", "WANDevice.1.WANConnectionDevice.1.WANIPConnection.1.ExternalIPAddress",
    ]
    guard let address = places.lazy.compactMap({ lookup.address($0.split(separator: ".")) }).first else {
      throw ModelError(line: 0, reason: "no address of the provider's")
    }
    wanAddress = address
  }
}
