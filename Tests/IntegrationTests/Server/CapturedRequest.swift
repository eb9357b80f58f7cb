import Glibc

/// A request that another CPE client sent, as it was captured: `Captures/NAME-NNN.txt`.
struct CapturedRequest {
  /// The file's name.
  var name: String
  /// The fields but for the cookie's, the host's and the length's.
  var fields: [(name: String, value: String)] = []
  /// Whether it returned a cookie.
  var hasCookie = false
  var body = ""
  /// What its SOAP Body holds, without prefix: `Inform`, `Fault`, `RebootResponse`; empty for an empty POST.
  var kind = ""

  /// The captured runs, each its requests in order.
  static func runs() throws -> [(name: String, requests: [CapturedRequest])] {
    let folder = "\(TestPostgreSQL.root)/Tests/IntegrationTests/Server/Captures"
    var names: [String] = []
    guard let directory = opendir(folder) else { throw CommandFailed(command: "read \(folder)") }
    defer { closedir(directory) }
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name.hasSuffix(".txt") { names.append(name) }
    }
    var runs: [(name: String, requests: [CapturedRequest])] = []
    for name in names.sorted() {
      let run = String(name.dropLast("-000.txt".count))
      let request = try CapturedRequest(name, text: read("\(folder)/\(name)"))
      if runs.last?.name == run { runs[runs.count - 1].requests.append(request) } else { runs.append((run, [request])) }
    }
    return runs
  }

  private static func read(_ path: String) throws -> String {
    guard let file = fopen(path, "r") else { throw CommandFailed(command: "read \(path)") }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 1 << 20)
    let count = fread(&bytes, 1, bytes.count, file)
    return String(decoding: bytes[..<count], as: UTF8.self)
  }

  private init(_ name: String, text: String) throws {
    self.name = name
    // Unicode takes CR LF for one character: lines are split by whatever ends them.
    var rest = text[...]
    func line() -> Substring {
      let line = rest.prefix { !$0.isNewline }
      rest = rest[line.endIndex...].dropFirst()
      return line
    }
    _ = line()
    while true {
      let field = line()
      guard let colon = field.firstIndex(of: ":") else { break }
      let value = field[field.index(after: colon)...].drop { $0 == " " }
      switch field[..<colon].lowercased() {
      case "cookie": hasCookie = true
      case "host", "content-length", "authorization", "connection": break
      default: fields.append((String(field[..<colon]), String(value)))
      }
    }
    body = String(rest)
    if body.allSatisfy(\.isWhitespace) { body = "" }
    let inside = body.firstRange(of: try Regex("<(?:[A-Za-z0-9_-]+:)?Body[^>]*>\\s*<(?:[A-Za-z0-9_-]+:)?"))
    if let inside { kind = String(body[inside.upperBound...].prefix { $0.isLetter }) }
  }

  /// The body with our id in the place of theirs (item 36).
  func body(answering id: [UInt8]?) throws -> [UInt8] {
    guard let id else { return Array(body.utf8) }
    let theirs = try Regex("(<(?:[A-Za-z0-9_-]+:)?ID[^>]*>)[^<]*(</)")
    guard let match = body.firstMatch(of: theirs), let begin = match.output[1].range, let end = match.output[2].range
    else { return Array(body.utf8) }
    let ours = String(decoding: id, as: UTF8.self)
    return Array((body[..<begin.upperBound] + ours + body[end.lowerBound...]).utf8)
  }
}
