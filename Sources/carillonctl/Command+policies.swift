import Operations

extension Command {
  func runPolicies() async throws -> Int32 {
    let action = arguments.command.last ?? ""
    switch action {
    case "list":
      _ = try operands(0...0)
      let items = try await client.get("/policies")["policies"]?.items ?? []
      return show(
        items,
        [
          ("NAME", "name"), ("VERSION", "version"), ("ENABLED", "enabled"), ("CHANGED", "changed_at"),
          ("BY", "changed_by"),
        ])
    case "show":
      let policy = try await client.get("/policies/\(try operand().segment)")
      if wantsJSON { return show(policy) }
      let text = policy.text("document")
      print(text, terminator: text.hasSuffix("\n") ? "" : "\n")
      return CarillonControl.ExitCode.done
    case "put": return try await putPolicy()
    case "versions":
      let items = try await client.get("/policies/\(try operand().segment)/versions")["versions"]?.items ?? []
      return show(items, [("VERSION", "version"), ("CREATED", "created_at"), ("BY", "created_by")])
    case "delete":
      try await client.delete("/policies/\(try operand().segment)")
      return CarillonControl.ExitCode.done
    default: return showPolicy(try await client.post("/policies/\(try operand().segment)/\(action)"))
    }
  }

  private func showPolicy(_ policy: JSONDocument) -> Int32 {
    if wantsJSON { return show(policy) }
    let force = policy["enabled"] == .bool(true) ? "in force" : "out of force"
    print("\(policy.text("name")) version \(policy.text("version")), \(force)")
    return CarillonControl.ExitCode.done
  }

  /// The name stands in the document; the API checks that path and document agree.
  private func putPolicy() async throws -> Int32 {
    let file = try operand()
    let text = try contents(of: file)
    guard let name = Self.name(in: text) else { throw misuse("\(file) has no line 'name: …'") }
    let policy = try await client.put(
      "/policies/\(name.segment)", [("dry_run", arguments.has("dry-run") ? "true" : nil)], body: Array(text.utf8),
      type: "application/yaml")
    return arguments.has("dry-run") ? show(policy) : showPolicy(policy)
  }

  /// The value of the document's own `name`.
  private static func name(in text: String) -> String? {
    for line in text.lines where line.hasPrefix("name:") {
      let value = line.dropFirst(5).prefix { $0 != "#" }.filter { !" \t\r\"'".contains($0) }
      return value.isEmpty ? nil : value
    }
    return nil
  }
}
