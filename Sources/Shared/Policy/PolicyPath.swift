public import DataModel

/// A path in a policy: whole, or below whichever root the device has (`${device.root}.ManagementServer.URL`).
public enum PolicyPath: Sendable, Equatable {
  /// What begins a path below the device's own root.
  static let rootPrefix = "${device.root}."

  /// The path as it is written.
  case absolute(ParameterPath)
  /// The path below the root of the device; here it stands below `Device.`.
  case underRoot(ParameterPath)

  /// Reads a path.
  ///
  /// - Throws: ``ParameterPathError``.
  public init(_ text: String) throws(ParameterPathError) {
    if text.hasPrefix(Self.rootPrefix) {
      let path = RootDataModel.device.rawValue + text.dropFirst(Self.rootPrefix.count)
      self = .underRoot(try ParameterPath(path))
    } else {
      self = .absolute(try ParameterPath(text))
    }
  }

  /// The path, with `Device.` for a root that depends on the device.
  public var sample: ParameterPath {
    switch self {
    case .absolute(let path), .underRoot(let path): path
    }
  }

  /// The path for a device; `nil` where it depends on a root that is not known.
  public func path(for facts: DeviceFacts) -> ParameterPath? {
    switch self {
    case .absolute(let path): return path
    case .underRoot(let path):
      guard let root = facts.root else { return nil }
      if root == .device { return path }
      return try? ParameterPath(root.rawValue + path.text.dropFirst(RootDataModel.device.rawValue.utf8.count))
    }
  }
}
