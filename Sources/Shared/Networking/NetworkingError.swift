import Glibc

/// What went wrong with a loop, a socket or TLS: what was tried, on what, and the system's or OpenSSL's reason.
public struct NetworkingError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The kinds a caller may want to tell apart.
  public enum Code: Equatable, Sendable {
    /// A system call failed; `systemError` holds errno.
    case system
    /// An address, range or port could not be understood.
    case invalidAddress
    /// A certificate, key or handshake was refused by OpenSSL.
    case tls
    /// A deadline passed; the operation was cancelled.
    case deadlineExceeded
    /// The other side closed, or this side had closed before.
    case closed
  }

  /// The kind.
  public let code: Code
  /// What was tried and on what, such as `listen on 0.0.0.0:7547`.
  public let operation: String
  /// errno, where the system was the one that refused.
  public let systemError: CInt?
  /// The reason in words, and what to do about it where that is known.
  public let detail: String

  /// An error of the given kind.
  public init(_ code: Code, _ operation: String, detail: String = "", systemError: CInt? = nil) {
    self.code = code
    self.operation = operation
    self.systemError = systemError
    self.detail = detail.isEmpty ? systemError.map(Self.words) ?? "" : detail
  }

  /// `operation: detail`.
  public var description: String { detail.isEmpty ? operation : "\(operation): \(detail)" }

  /// A failed system call: reads errno, so call it at once.
  static func system(_ operation: String, _ number: CInt = errno) -> NetworkingError {
    NetworkingError(.system, operation, systemError: number)
  }

  private static func words(_ number: CInt) -> String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
      guard let start = buffer.baseAddress, strerror_r(number, start, buffer.count) == 0 else {
        return "errno \(number)"
      }
      return String(cString: start)
    }
  }
}
