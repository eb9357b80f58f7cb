import Operations

extension Command {
  func runDevices() async throws -> Int32 {
    switch arguments.command.last {
    case "list": return try await listDevices()
    case "show":
      return show(
        try await client.get("/devices/\(try operand().segment)"),
        order: ["identity", "id", "manufacturer", "oui", "product_class", "serial_number", "software_version"])
    case "parameters": return try await showParameters()
    case "tag": return try await tag()
    case "held":
      _ = try operands(0...0)
      let (items, hasMore) = try await client.list("/held-devices", "devices", limit: try limit())
      return show(
        items, hasMore: hasMore,
        [
          ("IDENTITY", "identity"), ("HELD", "held_at"), ("FROM", "held_peer"), ("TIMES", "held_count"),
          ("RELEASED UNTIL", "readmit_until"),
        ])
    case "release":
      let seconds = try arguments.integer("for", in: 60...604_800) ?? 3600
      let body = JSONDocument.object(["for_seconds": .integer(Int64(seconds))])
      return show(try await client.post("/devices/\(try operand().segment)/release", body: body))
    default:
      try await client.delete("/devices/\(try operand().segment)")
      return CarillonControl.ExitCode.done
    }
  }

  private func listDevices() async throws -> Int32 {
    var query: APIClient.Query = [
      "q", "manufacturer", "oui", "product-class", "software-version", "seen-after", "seen-before",
    ].map { (String($0.map { $0 == "-" ? "_" : $0 }), arguments.value($0)) }
    query += arguments.values("tag").map { ("tag", $0) }
    let (items, hasMore) = try await client.list("/devices", "devices", query, limit: try limit())
    return show(
      items, hasMore: hasMore,
      [
        ("IDENTITY", "identity"), ("MANUFACTURER", "manufacturer"), ("SOFTWARE", "software_version"), ("TAGS", "tags"),
        ("SEEN", "seen_at"), ("ID", "id"),
      ])
  }

  private func showParameters() async throws -> Int32 {
    let operands = try operands(1...2)
    let path = "/devices/\(operands[0].segment)/parameters"
    let below = operands.count > 1 ? operands[1] : nil
    if wantsJSON { return show(try await client.get(path, [("path", below)])) }
    let list = try await client.get(path, [("path", below), ("view", "list")])
    let parameters = (list["parameters"]?.items ?? []).filter { !$0.text("name").hasSuffix(".") }
    return show(
      parameters,
      [
        ("NAME", "name"), ("VALUE", "value"), ("TYPE", "type"), ("WRITABLE", "writable"),
        ("NOTIFICATION", "notification"), ("LEARNED", "learned_at"),
      ])
  }

  private func tag() async throws -> Int32 {
    let operands = try operands(1...65)
    let path = "/devices/\(operands[0].segment)"
    var tags = Array(operands.dropFirst())
    if arguments.has("add") || arguments.has("remove") {
      if arguments.has("add") && arguments.has("remove") { throw misuse("--add and --remove exclude each other") }
      let present = try await client.get(path)["tags"]?.items.map(\.shown) ?? []
      tags = arguments.has("add") ? present + tags : present.filter { !tags.contains($0) }
    }
    let body = JSONDocument.object(["tags": .array(tags.map { .text($0) })])
    return show(try await client.put("\(path)/tags", body: body.encoded), order: ["identity", "tags"])
  }
}
