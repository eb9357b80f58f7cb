import Glibc
import HTTP
import Operations

/// One run of the program: its arguments and the API.
struct Command: Sendable {
  let arguments: Arguments
  let client: APIClient

  /// Does what was asked.
  ///
  /// - Returns: the exit code.
  func run() async throws -> Int32 {
    switch arguments.command.first {
    case "devices": try await runDevices()
    case "tasks": try await runTasks()
    case "policies": try await runPolicies()
    case "firmware": try await runFirmware()
    case "campaigns": try await runCampaigns()
    case "log": try await arguments.command.last == "parts" ? listParts() : catLog()
    case "health": try await show(client.get("/health"))
    default: try await runFriendly()
    }
  }

  // MARK: - What all commands share

  /// The operands, of which there are to be so many.
  func operands(_ range: ClosedRange<Int>) throws(UsageError) -> [String] {
    guard range.contains(arguments.operands.count) else {
      throw misuse(
        arguments.operands.count < range.lowerBound ? "an operand is missing" : "there are too many operands")
    }
    return arguments.operands
  }

  /// The one operand.
  func operand() throws(UsageError) -> String { try operands(1...1)[0] }

  func misuse(_ reason: String) -> UsageError {
    UsageError(command: (["carillonctl"] + arguments.command).joined(separator: " "), reason: reason)
  }

  var wantsJSON: Bool { arguments.has("json") }

  func limit() throws(UsageError) -> Int { try arguments.integer("limit", in: 0...10_000_000) ?? 100 }

  /// Prints a document: as JSON, or as facts.
  @discardableResult
  func show(_ document: JSONDocument, order: [String] = []) -> Int32 {
    if wantsJSON { printJSON(document) } else { print(Output.facts(document, order: order), terminator: "") }
    return CarillonControl.ExitCode.done
  }

  /// Prints a list: as one JSON array, or as a table.
  @discardableResult
  func show(
    _ items: [JSONDocument], hasMore: Bool = false, _ columns: [(heading: String, field: String)]
  ) -> Int32 {
    if wantsJSON {
      printJSON(.array(items))
    } else {
      let rows = items.map { item in columns.map { item.text($0.field) } }
      print(Output.table(columns.map(\.heading), rows), terminator: "")
      if hasMore { CarillonControl.complain("There are more; --limit=0 lists all.") }
    }
    return CarillonControl.ExitCode.done
  }

  func printJSON(_ document: JSONDocument) { print(String(decoding: document.encoded, as: UTF8.self)) }

  /// A file's text, or standard input's where it is `-`; without its last line's end where `isValue`.
  func contents(of file: String, isValue: Bool = false) throws -> String {
    var bytes = file == "-" ? Self.standardInput() : try FileContents.read(file, limit: 16 << 20)
    if isValue {
      if bytes.last == 0x0A { bytes.removeLast() }
      if bytes.last == 0x0D { bytes.removeLast() }
    }
    guard let text = String(validating: bytes, as: UTF8.self) else { throw misuse("\(file) is not UTF-8") }
    return text
  }

  private static func standardInput() -> [UInt8] {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = read(STDIN_FILENO, &chunk, chunk.count)
      if count <= 0 { return bytes }
      bytes += chunk[..<count]
    }
  }
}
