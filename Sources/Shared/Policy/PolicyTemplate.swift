import DataModel

/// A text with variables of the device: `${device.serial_number}`; `$$` is a dollar.
public struct PolicyTemplate: Sendable, Equatable {
  /// What a template may name.
  public enum Variable: String, Sendable, CaseIterable {
    /// The canonical identity.
    case identity = "device.id"
    /// DeviceId.Manufacturer.
    case manufacturer = "device.manufacturer"
    /// DeviceId.OUI.
    case oui = "device.oui"
    /// DeviceId.ProductClass.
    case productClass = "device.product_class"
    /// DeviceId.SerialNumber.
    case serialNumber = "device.serial_number"
    /// The software version.
    case softwareVersion = "device.software_version"
    /// The hardware version.
    case hardwareVersion = "device.hardware_version"
    /// `Device` or `InternetGatewayDevice`.
    case root = "device.root"

    func value(of facts: DeviceFacts) -> String {
      switch self {
      case .identity: facts.identity
      case .manufacturer: facts.manufacturer
      case .oui: facts.oui
      case .productClass: facts.productClass
      case .serialNumber: facts.serialNumber
      case .softwareVersion: facts.softwareVersion
      case .hardwareVersion: facts.hardwareVersion
      case .root: facts.root.map { String($0.rawValue.dropLast()) } ?? ""
      }
    }
  }

  /// Why a text is no template.
  public enum Failure: Error, Sendable, Equatable {
    /// A `$` that begins neither `${` nor `$$`.
    case loneDollar
    /// A `${` without its `}`.
    case open
    /// A variable that there is not.
    case unknownVariable(String)
  }

  enum Part: Sendable, Equatable {
    case literal(String)
    case variable(Variable)
  }

  let parts: [Part]

  /// A text that is what it is, dollars included.
  public init(literal: String) {
    parts = [.literal(literal)]
  }

  /// Reads a text with variables.
  ///
  /// - Throws: ``Failure``.
  public init(_ text: String) throws(Failure) {
    var parts: [Part] = []
    var literal = ""
    var rest = text[...]
    while let dollar = rest.firstIndex(of: "$") {
      literal += rest[..<dollar]
      rest = rest[rest.index(after: dollar)...]
      switch rest.first {
      case "$":
        literal += "$"
        rest.removeFirst()
      case "{":
        guard let close = rest.firstIndex(of: "}") else { throw .open }
        let name = rest[rest.index(after: rest.startIndex)..<close]
        guard let variable = Variable(rawValue: String(name)) else { throw .unknownVariable(String(name)) }
        if !literal.isEmpty { parts.append(.literal(literal)) }
        literal = ""
        parts.append(.variable(variable))
        rest = rest[rest.index(after: close)...]
      default: throw .loneDollar
      }
    }
    literal += rest
    if !literal.isEmpty || parts.isEmpty { parts.append(.literal(literal)) }
    self.parts = parts
  }

  /// Whether no variable is in it.
  public var isLiteral: Bool { parts.allSatisfy { if case .literal = $0 { true } else { false } } }

  /// The text for a device.
  public func text(for facts: DeviceFacts) -> String {
    if parts.count == 1, case .literal(let text) = parts[0] { return text }
    return parts.map { part in
      switch part {
      case .literal(let text): text
      case .variable(let variable): variable.value(of: facts)
      }
    }.joined()
  }
}
