import Operations

extension Command {
  func runTasks() async throws -> Int32 {
    switch arguments.command.last {
    case "create": return try await createTask()
    case "list": return try await listTasks()
    case "show": return showTask(try await client.get("/tasks/\(try operand().segment)"))
    case "wait":
      return try await outcome(try await client.get("/tasks/\(try operand().segment)"), wait: try timeout())
    case "cancel": return showTask(try await client.post("/tasks/\(try operand().segment)/cancel"))
    default:
      let task = try await client.post("/tasks/\(try operand().segment)/redrive")
      return try await outcome(task, wait: arguments.has("wait") ? try timeout() : 0)
    }
  }

  private func createTask() async throws -> Int32 {
    let operands = try operands(2...3)
    let text = operands.count < 3 ? "{}" : operands[2] == "-" ? try contents(of: "-") : operands[2]
    guard let value = try? JSONDocument(Array(text.utf8)), case .object(let members) = value else {
      throw misuse("ARGUMENTS is to be a JSON object, such as '{\"names\":[\"Device.\"]}'")
    }
    return try await queue(operands[0], operands[1], members)
  }

  private func listTasks() async throws -> Int32 {
    let operands = try operands(0...1)
    let query: APIClient.Query = [("state", arguments.value("state")), ("method", arguments.value("method"))]
    let path = operands.first.map { "/devices/\($0.segment)/tasks" } ?? "/tasks"
    let (items, hasMore) = try await client.list(path, "tasks", query, limit: try limit())
    return show(
      items, hasMore: hasMore,
      [
        ("TASK", "id"), ("DEVICE", "identity"), ("METHOD", "method"), ("STATE", "state"), ("ATTEMPT", "attempt"),
        ("BY", "origin_name"), ("CREATED", "created_at"), ("FINISHED", "finished_at"),
      ])
  }

  // MARK: - Queueing

  /// Queues a task by the command's options, and waits for it where they say so.
  func queue(_ device: String, _ method: String, _ members: [String: JSONDocument] = [:]) async throws -> Int32 {
    var body: [String: JSONDocument] = ["method": .text(method), "arguments": .object(members)]
    if let priority = try arguments.integer("priority", in: -1000...1000) {
      body["priority"] = .integer(Int64(priority))
    }
    if let seconds = try arguments.integer("deadline", in: 10...2_592_000) {
      body["deadline_seconds"] = .integer(Int64(seconds))
    }
    if let choice = arguments.value("on-doubt") { body["on_doubt"] = .text(choice) }
    let wait = arguments.has("wait") ? try timeout() : 0
    // A key of our own makes the request safe to repeat when the connection breaks.
    let key = arguments.value("key") ?? "carillonctl-\(String(UInt64.random(in: .min ... .max), radix: 36))"
    let task = try await client.post("/devices/\(device.segment)/tasks", body: .object(body), key: key)
    return try await outcome(task, wait: wait)
  }

  private func timeout() throws(UsageError) -> Int { try arguments.integer("timeout", in: 1...86_400) ?? 60 }

  /// Waits for a task's end in steps that the API allows, prints it, and says what became of it.
  func outcome(_ task: JSONDocument, wait: Int) async throws -> Int32 {
    if wait == 0 {
      if wantsJSON {
        printJSON(task)
      } else {
        print("\(task.text("id")) \(task.text("state"))")
      }
      return CarillonControl.ExitCode.done
    }
    var task = task
    var left = wait
    while !Self.isOver(task), left > 0 {
      let step = min(left, 60)
      let begin = ContinuousClock.now
      task = try await client.get("/tasks/\(task.text("id").segment)", wait: step)
      left -= max(1, Int((ContinuousClock.now - begin).components.seconds))
    }
    showTask(task)
    guard Self.isOver(task) else { return CarillonControl.ExitCode.stillUnderWay }
    return task.text("state") == "succeeded" ? CarillonControl.ExitCode.done : CarillonControl.ExitCode.failed
  }

  private static func isOver(_ task: JSONDocument) -> Bool {
    ["succeeded", "failed", "cancelled", "expired", "dead"].contains(task.text("state"))
  }

  /// A task; of one that read parameters, what it read.
  @discardableResult
  func showTask(_ task: JSONDocument) -> Int32 {
    let parameters = task["result"]?["parameters"]?.items ?? []
    if wantsJSON {
      printJSON(task)
    } else if task.text("state") == "succeeded", !parameters.isEmpty {
      let columns = ["name", "value", "type", "writable", "notification", "access_list"].filter { name in
        parameters.contains { $0[name] != nil }
      }
      show(parameters, columns.map { ($0.uppercased(), $0) })
    } else {
      show(task, order: ["id", "identity", "method", "state", "fault", "result"])
    }
    return CarillonControl.ExitCode.done
  }
}
