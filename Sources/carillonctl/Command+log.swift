import Operations

extension Command {
  /// `log cat`: a device's partition, the one asked for, or all of them, one after another.
  func catLog() async throws -> Int32 {
    _ = try operands(0...0)
    let path = "/log/\(arguments.value("topic") ?? "messages")"
    let all = try limit()
    let wanted = try arguments.integer("part", in: 0...9999).map(Int64.init)
    if wanted == nil, arguments.value("offset") != nil { throw misuse("--offset needs --part") }
    var printed: [JSONDocument] = []
    var count = 0
    var hasMore = false
    let parts = if let wanted { [wanted] } else { try await partitions(of: path) }
    for part in parts where !hasMore {
      var offset = arguments.value("offset")
      var last = arguments.value("last")
      pages: while true {
        let size = all == 0 ? 1000 : min(1000, all - count)
        guard size > 0 else {
          hasMore = true
          break
        }
        let page = try await client.get(
          path,
          [
            ("device", arguments.value("device")), ("session", arguments.value("session")),
            ("part", String(part)), ("offset", offset), ("last", last), ("limit", String(size)),
            ("bodies", arguments.has("brief") ? "false" : nil),
          ])
        let records = page["records"]?.items ?? []
        count += records.count
        if wantsJSON { printed += records } else { for record in records { print(described(record), terminator: "") } }
        guard case .integer(let next)? = page["next_offset"] else { break pages }
        (offset, last) = (String(next), nil)
      }
    }
    if wantsJSON { printJSON(.array(printed)) }
    if hasMore { CarillonControl.complain("There may be more; --limit=0 prints all.") }
    return CarillonControl.ExitCode.done
  }

  /// The partitions with the device's records, or all of the topic.
  private func partitions(of path: String) async throws -> [Int64] {
    let page = try await client.get(path, [("device", arguments.value("device")), ("last", "0"), ("limit", "1")])
    var ofDevice: [Int64] = []
    for item in page["device_parts"]?.items ?? [] {
      if case .integer(let part) = item { ofDevice.append(part) }
    }
    guard ofDevice.isEmpty, case .integer(let count)? = page["parts"] else { return ofDevice }
    return Array(0..<count)
  }

  /// `log parts`: a line a partition.
  func listParts() async throws -> Int32 {
    _ = try operands(0...0)
    let parts = try await client.get("/log")["parts"]?.items ?? []
    return show(
      parts,
      [
        ("TOPIC", "topic"), ("PART", "part"), ("OLDEST", "oldest"), ("END", "end"), ("FOLDED", "folded"),
        ("BEHIND", "behind"), ("OWNED", "owned"),
      ])
  }

  /// A line of facts, and the body below it, indented.
  private func described(_ record: JSONDocument) -> String {
    var text = Self.line(record)
    for directive in record["directives"]?.items ?? [] { text += "  " + Self.line(directive) + body(directive, "    ") }
    if let inner = record["record"] { text += "  " + Self.line(inner) + body(inner, "    ") }
    return text + body(record, "  ")
  }

  private func body(_ record: JSONDocument, _ indent: String) -> String {
    guard !arguments.has("brief") else { return "" }
    let body = record.text("body") + record.text("value")
    return body.split(whereSeparator: \.isNewline).map { indent + Output.plain(String($0)) + "\n" }.joined()
  }

  private static let first = ["time", "part", "offset", "kind", "verdict", "method", "events"]
  private static let below: Set<String> = ["body", "value", "directives", "record"]

  private static func line(_ record: JSONDocument) -> String {
    guard case .object(let members) = record else { return "\n" }
    let others = members.keys.filter { !first.contains($0) && !below.contains($0) }.sorted()
    let place = members["offset"] == nil ? [] : ["\(record.text("part"))/\(record.text("offset"))"]
    let named = ["kind", "verdict", "method", "events"].map { record.text($0) }
    let facts = [record.text("time")] + place + named + others.map { "\($0)=\(record.text($0))" }
    return facts.filter { !$0.isEmpty }.map(Output.plain).joined(separator: "  ") + "\n"
  }
}
