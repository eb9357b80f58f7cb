/// How much a log line matters; lines below a logger's level cost one comparison.
public enum LogLevel: UInt8, Comparable, CaseIterable, Sendable {
  /// Everything, for one's own machine: a line per message.
  case debug
  /// What an operator follows: starts, stops, a line per session.
  case info
  /// Served, but somebody should look.
  case warning
  /// Something was refused or lost that should not have been.
  case error
  /// Nothing, for tests.
  case none

  /// By severity.
  public static func < (left: LogLevel, right: LogLevel) -> Bool { left.rawValue < right.rawValue }

  /// The level's name in lines and in the configuration.
  public var name: String {
    switch self {
    case .debug: "debug"
    case .info: "info"
    case .warning: "warning"
    case .error: "error"
    case .none: "none"
    }
  }

  /// The level of a name; `nil` for another.
  public init?(name: String) {
    guard let level = Self.allCases.first(where: { $0.name == name }) else { return nil }
    self = level
  }
}
