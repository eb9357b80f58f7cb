import Cryptography
import Glibc
import HTTP

/// A file of the directory that the gateway serves: its size and SHA-256.
struct FirmwareFile: Sendable {
  var size: Int64
  var digest: SHA256Digest

  /// Images beyond this many bytes are refused: CPEs are told sizes as 32 bits (A.3.2.8).
  static let limit = Int64(UInt32.max)

  /// Reads a file, off the loops: a large image takes its time.
  ///
  /// - Parameters:
  ///   - name: of a file in the directory.
  ///   - directory: what the gateway serves.
  /// - Throws: ``Problem`` that names the field `file`.
  @concurrent
  static func measure(_ name: String, in directory: String) async throws -> FirmwareFile {
    try checkName(name)
    let descriptor = open("\(directory)/\(name)", O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    guard descriptor >= 0 else { throw wrong("cannot be opened: \(String(cString: strerror(errno)))") }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { throw wrong("is no plain file") }
    guard (1...limit).contains(Int64(status.st_size)) else { throw wrong("is empty or larger than \(limit) bytes") }
    let hash = SHA256()
    var chunk = [UInt8](repeating: 0, count: 1 << 20)
    var size: Int64 = 0
    while true {
      try Task.checkCancellation()
      let count = read(descriptor, &chunk, chunk.count)
      guard count >= 0 else { throw wrong("cannot be read: \(String(cString: strerror(errno)))") }
      if count == 0 { break }
      size += Int64(count)
      guard size <= limit else { throw wrong("is larger than \(limit) bytes") }
      hash.update(chunk.span.extracting(0..<count))
    }
    return FirmwareFile(size: size, digest: hash.finish())
  }

  /// Refuses what the gateway would not serve.
  static func checkName(_ name: String) throws(Problem) {
    guard FileSource.isPlainName(name) else {
      throw wrong("is to be the name of a file in the served directory: letters, digits, '.', '-', '_', no mark first")
    }
  }

  private static func wrong(_ what: String) -> Problem { Problem(.invalidField, "file \(what)", field: "file") }
}
