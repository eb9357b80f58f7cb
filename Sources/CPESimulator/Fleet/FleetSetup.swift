import Networking

/// What a fleet works out once, before its loops get their parts.
struct FleetSetup: Sendable {
  let acs: ACSAddress
  let acsAddress: SocketAddress
  let models: [DeviceModel]
  let lookup: HostLookup

  init(_ settings: FleetSettings) throws {
    guard let acs = ACSAddress(settings.url) else {
      throw FleetError("the ACS's URL must be http or https, not \(settings.url)")
    }
    guard settings.count > 0, !settings.models.isEmpty else { throw FleetError("a fleet needs CPEs and a model") }
    self.acs = acs
    var lookup = HostLookup()
    acsAddress = try lookup.address(of: acs)
    self.lookup = lookup
    models = try settings.models.map { try DeviceModel.builtIn($0) }
  }
}
