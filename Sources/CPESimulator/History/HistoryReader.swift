import FoundationEssentials
import Glibc

/// Reads a history line by line.
public enum HistoryReader {
  /// Calls `body` with each entry, in the order written.
  ///
  /// - Throws: ``HistoryError`` with the line, if the file cannot be read or a line is no entry.
  public static func read(_ path: String, _ body: (HistoryEntry) -> Void) throws(HistoryError) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw HistoryError(description: "\(path): \(String(cString: strerror(errno)))") }
    defer { close(descriptor) }
    var rest: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    var line = 0
    while true {
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      guard count >= 0 else { throw HistoryError(description: "\(path): \(String(cString: strerror(errno)))") }
      rest.append(contentsOf: chunk[..<count])
      var start = 0
      while let end = rest[start...].firstIndex(of: 0x0A) {
        line += 1
        body(try entry(rest[start..<end], path, line))
        start = end + 1
      }
      rest.removeFirst(start)
      if count == 0 { break }
    }
    guard rest.isEmpty else { throw HistoryError(description: "\(path), line \(line + 1): cut short") }
  }

  static func entry(_ bytes: ArraySlice<UInt8>, _ path: String, _ line: Int) throws(HistoryError) -> HistoryEntry {
    do {
      return try JSONDecoder().decode(HistoryEntry.self, from: Data(bytes))
    } catch {
      throw HistoryError(description: "\(path), line \(line): not an entry of a history")
    }
  }
}
