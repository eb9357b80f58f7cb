import Glibc

/// The terminal, if there is one.
enum Terminal {
  /// Whether standard error is seen by a person.
  static var isInteractive: Bool { isatty(STDERR_FILENO) == 1 }

  /// A line to standard error.
  static func complain(_ text: String) { write(text + "\n") }

  /// Replaces the present line.
  static func progress(_ text: String) { write("\r\u{1B}[K" + text) }

  private static func write(_ text: String) {
    let bytes = Array(text.utf8)
    _ = bytes.withUnsafeBytes { Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
  }
}
