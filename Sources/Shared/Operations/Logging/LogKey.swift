/// The key of a value in a log line: a constant, so that lines can be searched. Modules add theirs in extensions.
public struct LogKey: Sendable {
  let name: StaticString

  /// A key in `snake_case`.
  public init(_ name: StaticString) { self.name = name }

  /// The device's UUID.
  public static let device = LogKey("device")
  /// The session's UUID.
  public static let session = LogKey("session")
  /// A task's UUID.
  public static let task = LogKey("task")
  /// An error's description.
  public static let error = LogKey("error")
  /// Why something was done.
  public static let reason = LogKey("reason")
  /// The peer's address and port.
  public static let peer = LogKey("peer")
  /// An address that is listened on or connected to.
  public static let address = LogKey("address")
  /// A number of things.
  public static let count = LogKey("count")
  /// How long it took, in milliseconds.
  public static let milliseconds = LogKey("ms")
  /// A topic of the event log.
  public static let topic = LogKey("topic")
  /// A partition of the event log.
  public static let partition = LogKey("partition")
  /// An offset in the event log.
  public static let offset = LogKey("offset")
  /// A file.
  public static let file = LogKey("file")
  /// A part of the process, see `Lifecycle`.
  public static let part = LogKey("part")
  /// A signal's name.
  public static let signal = LogKey("signal")
  /// The program's version.
  public static let version = LogKey("version")
}
