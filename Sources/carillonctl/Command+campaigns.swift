import Operations

extension Command {
  func runFirmware() async throws -> Int32 {
    switch arguments.command.last {
    case "list":
      _ = try operands(0...0)
      let items = try await client.get("/firmware")["images"]?.items ?? []
      return show(
        items,
        [
          ("NAME", "name"), ("VERSION", "version"), ("VENDOR", "vendor"), ("MODELS", "models"), ("SIZE", "size"),
          ("FILE", "file"), ("SHA-256", "sha256"),
        ])
    case "add":
      guard let file = arguments.value("file") else { throw misuse("--file is missing") }
      guard let version = arguments.value("software-version") else { throw misuse("--software-version is missing") }
      var members: [String: JSONDocument] = [
        "name": .text(try operand()), "file": .text(file), "version": .text(version),
        "models": .array(arguments.values("model").map { .text($0) }),
      ]
      if let vendor = arguments.value("vendor") { members["vendor"] = .text(vendor) }
      return show(try await client.post("/firmware", body: .object(members)), order: ["name", "version", "file"])
    default:
      try await client.delete("/firmware/\(try operand().segment)")
      return CarillonControl.ExitCode.done
    }
  }

  func runCampaigns() async throws -> Int32 {
    let action = arguments.command.last ?? ""
    switch action {
    case "list":
      _ = try operands(0...0)
      let (items, hasMore) = try await client.list("/campaigns", "campaigns", limit: try limit())
      return show(
        items, hasMore: hasMore,
        [("NAME", "name"), ("IMAGE", "image"), ("STATE", "state"), ("CREATED", "created_at"), ("ID", "id")])
    case "create": return try await createCampaign()
    case "show": return showCampaign(try await client.get("/campaigns/\(try operand().segment)"))
    case "devices":
      let (items, hasMore) = try await client.list(
        "/campaigns/\(try operand().segment)/devices", "devices", [("state", arguments.value("state"))],
        limit: try limit())
      return show(
        items, hasMore: hasMore,
        [
          ("IDENTITY", "identity"), ("STATE", "state"), ("TASK", "task"), ("CHANGED", "changed_at"),
          ("DETAIL", "detail"),
        ])
    default: return showCampaign(try await client.post("/campaigns/\(try operand().segment)/\(action)"))
    }
  }

  private func showCampaign(_ campaign: JSONDocument) -> Int32 {
    show(campaign, order: ["name", "id", "image", "state", "devices"])
  }

  private func createCampaign() async throws -> Int32 {
    guard let image = arguments.value("image") else { throw misuse("--image is missing") }
    var filter: [String: JSONDocument] = [:]
    for (option, member) in [
      ("oui", "oui"), ("product-class", "product_class"), ("software-version", "software_version"),
    ] {
      if let value = arguments.value(option) { filter[member] = .array([.text(value)]) }
    }
    let tags = arguments.values("tag")
    if !tags.isEmpty { filter["tags"] = .array(tags.map { .text($0) }) }
    var members: [String: JSONDocument] = [
      "name": .text(try operand()), "image": .text(image), "filter": .object(filter),
    ]
    if let rate = try arguments.integer("rate", in: 1...1_000_000) {
      members["rate_per_minute"] = .integer(Int64(rate))
    }
    if let count = try arguments.integer("concurrency", in: 1...1_000_000) {
      members["concurrency"] = .integer(Int64(count))
    }
    if arguments.has("paused") { members["state"] = .text("paused") }
    return showCampaign(try await client.post("/campaigns", body: .object(members)))
  }
}
