import Glibc
import Synchronization

/// Why a history cannot be written or read.
public struct HistoryError: Error, Sendable, CustomStringConvertible {
  /// The file, the place in it where known, and what is wrong.
  public let description: String
}

/// The file to which a fleet's loops append what happens, in whole lines.
final class HistoryFile: Sendable {
  private let descriptor: CInt

  /// Makes the file, or goes on at its end.
  init(path: String) throws(HistoryError) {
    descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw HistoryError(description: "\(path): \(String(cString: strerror(errno)))") }
  }

  deinit { close(descriptor) }

  /// O_APPEND keeps the loops' blocks apart; a block that a full disk cut short is seen by the reader.
  func append(_ bytes: [UInt8]) {
    var start = 0
    while start < bytes.count {
      let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress.map { $0 + start }, bytes.count - start) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return }
      start += count
    }
  }
}
