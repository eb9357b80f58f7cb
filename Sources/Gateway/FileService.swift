import Glibc
import HTTP

/// Serves the files of one directory to CPEs below `/files/`: GET and HEAD, whole or one range (item 157), as fast as
/// each client takes them.
///
/// Nothing else of the machine can be named (`FileSource.isPlainName`). Links are not followed.
final class FileService: HTTPService {
  private let directory: String

  /// Serves `directory`.
  init(directory: String) { self.directory = directory }

  func begin(_ head: RequestHead, _ exchange: Exchange) -> HeadDecision {
    guard head.method == .get || head.method == .head else {
      return .refuse(.methodNotAllowed, FieldBlock("Allow", "GET, HEAD"), [])
    }
    guard let name = Self.name(in: head.path) else { return .refuse(.notFound, FieldBlock(), []) }
    do throws(HTTPFileError) {
      return try serve("\(directory)/\(name)", head, exchange)
    } catch {
      // Out of descriptors it is still there.
      guard error.number == EMFILE || error.number == ENFILE else { return .refuse(.notFound, FieldBlock(), []) }
      return .refuse(.serviceUnavailable, FieldBlock("Retry-After", "30"), [])
    }
  }

  private func serve(_ path: String, _ head: RequestHead, _ exchange: Exchange) throws(HTTPFileError) -> HeadDecision {
    let whole = try FileSource(path: path)
    let range = ByteRange(head["range"], size: whole.fileSize)
    var fields = FieldBlock("Content-Type", "application/octet-stream")
    fields.add("Accept-Ranges", "bytes")
    if let contentRange = range.contentRange(of: whole.fileSize) { fields.add("Content-Range", contentRange) }
    switch range {
    case .whole: exchange.respond(.ok, fields, from: whole)
    case .part(let part): exchange.respond(.partialContent, fields, from: try FileSource(path: path, range: part))
    case .unsatisfiable: return .refuse(.rangeNotSatisfiable, fields, [])
    }
    return .accept(NoBody(), bodyLimit: 0)
  }

  /// The name in `/files/NAME`; nil for anything that is not one plain segment.
  static func name(in path: String) -> String? {
    guard path.hasPrefix("/files/") else { return nil }
    let name = String(path.dropFirst("/files/".count))
    return FileSource.isPlainName(name) ? name : nil
  }
}

/// The answer is out already; a body is passed over.
private final class NoBody: RequestReceiver {
  func body(_ bytes: Span<UInt8>, _ exchange: Exchange) {}
  func end(_ exchange: Exchange) {}
  func abandoned(_ why: Abandonment, _ exchange: Exchange) {}
}
