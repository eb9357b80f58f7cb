import Glibc
import Networking

/// A part of a file as a response's body. Read piece by piece on the loop: for files that the page cache holds, as
/// images that many CPEs fetch are.
public final class FileSource: BodySource {
  /// The whole file's size when it was opened.
  public let fileSize: Int
  /// The bytes of the part.
  public let length: Int

  private let descriptor: CInt
  private var position: Int
  private let end: Int

  /// Opens a file.
  ///
  /// - Parameter range: the part; nil: all of it. It is cut to the file's size.
  /// - Throws: `HTTPFileError` if it cannot be opened or is no regular file.
  public init(path: String, range: Range<Int>? = nil) throws(HTTPFileError) {
    descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    guard descriptor >= 0 else { throw HTTPFileError(path: path, number: errno) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw HTTPFileError(path: path, number: EINVAL)
    }
    fileSize = Int(status.st_size)
    let range = (range ?? 0..<fileSize).clamped(to: 0..<fileSize)
    (position, end, length) = (range.lowerBound, range.upperBound, range.count)
    posix_fadvise(descriptor, off_t(position), off_t(length), CInt(POSIX_FADV_SEQUENTIAL))
  }

  deinit { close(descriptor) }

  /// Whether a name is one path segment of letters, digits, `.`, `_` and `-` that begins with none of the marks: with
  /// it nothing else of the machine than a plain file of the served directory can be named.
  public static func isPlainName(_ name: String) -> Bool {
    guard let first = name.utf8.first, isAlphanumeric(first) else { return false }
    return name.utf8.count <= 255 && name.utf8.allSatisfy { isAlphanumeric($0) || ".-_".utf8.contains($0) }
  }

  private static func isAlphanumeric(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "a")...UInt8(ascii: "z"):
      true
    default: false
    }
  }

  /// Part of `BodySource`.
  public func next(_ most: Int) -> [UInt8] {
    let wanted = min(most, end - position)
    return [UInt8](unsafeUninitializedCapacity: wanted) { buffer, count in
      count = max(0, pread(descriptor, buffer.baseAddress, wanted, off_t(position)))
      position += count
    }
  }
}

/// A file that cannot be served.
public struct HTTPFileError: Error, Equatable, Sendable, CustomStringConvertible {
  /// Where it should be.
  public let path: String
  /// errno; ENOENT is a 404.
  public let number: CInt

  /// The path and the system's reason.
  public var description: String { "\(path): \(String(cString: strerror(number)))" }
}
