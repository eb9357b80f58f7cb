public import YAML

/// All that is wrong in a configuration, so that one start tells everything.
public struct ConfigurationError: Error, CustomStringConvertible, Sendable {
  /// `EX_CONFIG` of sysexits.h, for the process to exit with.
  public static let exitCode: Int32 = 78

  /// Each with file (or environment variable), line, column and key.
  public let problems: [YAMLError]

  /// A line for each problem.
  public var description: String { problems.map(\.description).joined(separator: "\n") }
}
