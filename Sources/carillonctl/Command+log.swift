import Operations

extension Command {
  /// `log cat`: a device's partition, the one asked for, or all of them, one after another.
  func catLog() async throws -> Int32 {
    _ = try operands(0...0)
    let path = "/log/\(arguments.value("topic") ?? "messages")"
    let all = try limit()
    var part = try arguments.integer("part", in: 0...9999)
    let isOne = part != nil || arguments.value("device") != nil
    if !isOne, arguments.value("offset") != nil { throw misuse("--offset needs --part or --device") }
    var printed: [JSONDocument] = []
    var count = 0
    var hasMore = false
    repeat {
      var offset = arguments.value("offset")
      var last = arguments.value("last")
      var parts: Int64 = 1
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
            ("part", isOne && part == nil ? nil : String(part ?? 0)), ("offset", offset), ("last", last),
            ("limit", String(size)),
          ])
        if case .integer(let number)? = page["parts"] { parts = number }
        let records = page["records"]?.items ?? []
        count += records.count
        if wantsJSON { printed += records } else { for record in records { print(described(record), terminator: "") } }
        guard case .integer(let next)? = page["next_offset"] else { break pages }
        (offset, last) = (String(next), nil)
      }
      part = (part ?? 0) + 1
      if isOne || part ?? 0 >= parts { break }
    } while !hasMore
    if wantsJSON { printJSON(.array(printed)) }
    if hasMore { CarillonControl.complain("There may be more; --limit=0 prints all.") }
    return CarillonControl.ExitCode.done
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
