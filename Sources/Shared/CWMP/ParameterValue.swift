/// One parameter with its value in lexical form (ParameterValueStruct).
public struct ParameterValue: Sendable, Hashable, Codable, CustomStringConvertible {
  /// The full path, such as `Device.DeviceInfo.SoftwareVersion`.
  public var name: String
  /// The value's type.
  public var type: ParameterType
  /// The value as text, as sent or to be sent; a string byte for byte, other types trimmed.
  public var value: String

  /// Makes a parameter value.
  public init(_ name: String, _ value: String, type: ParameterType = .string) {
    self.name = name
    self.type = type
    self.value = value
  }

  /// `name=value`, for logs and tests; a secret's value is not shown.
  public var description: String {
    "\(name)=\(SecretParameters.isSecret(name) ? SecretParameters.placeholder : value)"
  }
}
