import Glibc
import Synchronization

/// Writes JSON lines of a component. Cheap to copy; all copies share one writer.
///
/// ```swift
/// logger.info("session ended") { line in
///   line.add(.session, describing: session)
///   line.add(.milliseconds, elapsed)
/// }
/// ```
/// The closure runs only where the level is enabled. Never add a secret: no password, cookie or Authorization header.
public struct Logger: Sendable {
  /// The least level that is written.
  public let level: LogLevel
  private let writer: LogWriter
  /// The component's field, and those of the other keys, as they stand in each line.
  private let component: [UInt8]
  private let context: [UInt8]
  /// Both.
  private let fields: [UInt8]
  private let now: @Sendable () -> Int64

  /// A logger onto a writer.
  ///
  /// - Parameter now: Unix milliseconds; the system's clock unless a test gives its own.
  public init(
    level: LogLevel = .info, writer: LogWriter, now: @escaping @Sendable () -> Int64 = SystemClock.unixMilliseconds
  ) {
    self.level = level
    self.writer = writer
    component = []
    context = []
    fields = []
    self.now = now
  }

  private init(_ other: Logger, component: [UInt8], context: [UInt8]) {
    level = other.level
    writer = other.writer
    now = other.now
    self.component = component
    self.context = context
    fields = component + context
  }

  /// A logger that writes nothing, for tests.
  public static let none = Logger(level: .none, writer: LogWriter.discarding)

  /// The same logger with this `component` in each line, such as `gateway`, instead of the one it had.
  public func component(_ name: String) -> Logger {
    Logger(self, component: Self.field(LogKey("component"), name), context: context)
  }

  /// The same logger with a further key in each line.
  public func adding(_ key: LogKey, _ value: String) -> Logger {
    Logger(self, component: component, context: context + Self.field(key, value))
  }

  private static func field(_ key: LogKey, _ value: String) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(ascii: ",\"")
    bytes.append(ascii: key.name)
    bytes.append(ascii: "\":")
    JSONText.append(value, limit: LogLine.textLimit, to: &bytes)
    return bytes
  }

  /// Whether lines of a level are written.
  @inlinable
  public func isEnabled(_ level: LogLevel) -> Bool { level >= self.level }

  /// Writes a line where its level is enabled. The message is a constant: what varies goes under keys.
  @inlinable
  public func log(_ level: LogLevel, _ message: StaticString, _ fields: (inout LogLine) -> Void = { _ in }) {
    if isEnabled(level) { write(level, message, fields) }
  }

  @usableFromInline
  func write(_ level: LogLevel, _ message: StaticString, _ fill: (inout LogLine) -> Void) {
    var line = LogLine(level: level, message: message, context: fields, unixMilliseconds: now())
    fill(&line)
    line.finish()
    writer.append(line.bytes, isUrgent: level >= .error)
  }

  /// A line for one's own machine.
  @inlinable
  public func debug(_ message: StaticString, _ fields: (inout LogLine) -> Void = { _ in }) {
    log(.debug, message, fields)
  }

  /// A line that an operator follows.
  @inlinable
  public func info(_ message: StaticString, _ fields: (inout LogLine) -> Void = { _ in }) {
    log(.info, message, fields)
  }

  /// A line that somebody should look at.
  @inlinable
  public func warning(_ message: StaticString, _ fields: (inout LogLine) -> Void = { _ in }) {
    log(.warning, message, fields)
  }

  /// A line about something refused or lost.
  @inlinable
  public func error(_ message: StaticString, _ fields: (inout LogLine) -> Void = { _ in }) {
    log(.error, message, fields)
  }
}

/// The machine's wall clock, for logs and for what is not compared with other machines' times.
public enum SystemClock {
  /// Milliseconds since 1970 in UTC.
  @Sendable
  public static func unixMilliseconds() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
  }
}
