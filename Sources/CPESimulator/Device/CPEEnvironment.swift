import CWMP

/// What all CPEs of a fleet have in common and none changes.
final class CPEEnvironment: Sendable {
  let acs: ACSAddress
  let callbackPort: UInt16?
  let periodicInterval: UInt32
  let bootstrap: ACSCredentials
  let knownPassword: PasswordRule?
  let firmware: String
  /// Bytes of values that are added to every GetParameterValuesResponse.
  let padding: Int

  init(
    acs: ACSAddress, callbackPort: UInt16? = nil, periodicInterval: UInt32 = 300, bootstrap: ACSCredentials,
    knownPassword: PasswordRule? = nil, firmware: String = "1.0.0", padding: Int = 0
  ) {
    self.acs = acs
    self.callbackPort = callbackPort
    self.periodicInterval = periodicInterval
    self.bootstrap = bootstrap
    self.knownPassword = knownPassword
    self.firmware = firmware
    self.padding = padding
  }
}
