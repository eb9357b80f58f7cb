import Glibc

/// Why a file could not be read.
public struct FileError: Error, CustomStringConvertible, Sendable {
  /// The file.
  public let path: String
  /// What is wrong and what to do.
  public let reason: String

  /// Path and reason.
  public var description: String { "\(path): \(reason)" }
}

/// Whole small files: configuration, secrets, `/proc`.
public enum FileContents {
  /// The file's bytes, at most `limit` of them.
  ///
  /// - Throws: ``FileError`` when it cannot be opened or read, or is larger.
  public static func read(_ path: String, limit: Int = 1 << 20) throws(FileError) -> [UInt8] {
    let descriptor = try open(path)
    defer { close(descriptor) }
    return try read(descriptor, path, limit)
  }

  /// A secret file's bytes. Refused where others than owner and group can read it, or others than the owner write it.
  public static func readSecret(_ path: String, limit: Int = 64 << 10) throws(FileError) -> [UInt8] {
    let descriptor = try open(path)
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw failure(path) }
    if status.st_mode & 0o027 != 0 {
      let mode = String(status.st_mode & 0o777, radix: 8)
      throw FileError(path: path, reason: "holds a secret but has mode 0\(mode); do `chmod 600` (0640 is accepted too)")
    }
    return try read(descriptor, path, limit)
  }

  private static func open(_ path: String) throws(FileError) -> Int32 {
    let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure(path) }
    return descriptor
  }

  private static func read(_ descriptor: Int32, _ path: String, _ limit: Int) throws(FileError) -> [UInt8] {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 16 << 10)
    while true {
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      if count == 0 { return bytes }
      if count < 0 {
        if errno == EINTR { continue }
        throw failure(path)
      }
      bytes.append(contentsOf: chunk[..<count])
      if bytes.count > limit { throw FileError(path: path, reason: "larger than \(limit) bytes") }
    }
  }

  private static func failure(_ path: String) -> FileError {
    FileError(path: path, reason: String(cString: strerror(errno)))
  }
}

extension FileContents {
  /// Whether something is at the path.
  public static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }
}
