import Operations
import Testing

@Suite("Command lines by the conventions of GNU")
struct ArgumentsTests {
  private let table = CommandTable(
    "carillonctl", "Speaks to Carillon.",
    options: [
      .init("url", "u", value: "URL", "Where the API is."), .init("json", "j", "Print JSON."),
      .init("verbose", "v", "Say more."),
    ],
    commands: [
      CommandTable("devices", "Lists devices.", options: [.init("tag", value: "TAG", repeats: true, "Of a tag.")]),
      CommandTable(
        "tasks", "Tasks of a device.",
        commands: [
          CommandTable(
            "create", "Makes a task.", options: [.init("kind", choices: ["reboot", "download"], "What to do.")],
            operands: "DEVICE")
        ]),
    ])

  private func run(_ line: String) throws -> Arguments {
    guard case .run(let arguments) = try Arguments.parse(line.split(separator: " ").map(String.init), by: table) else {
      throw UsageError(command: "", reason: "help")
    }
    return arguments
  }

  private func reason(_ line: String) -> String? {
    #expect(throws: UsageError.self) { try run(line) }?.reason
  }

  @Test(
    "A value stands after a blank, an equals sign or its letter",
    arguments: ["--url http://x devices", "--url=http://x devices", "-u http://x devices", "devices -uhttp://x"])
  func values(line: String) throws {
    let arguments = try run(line)
    #expect(arguments.value("url") == "http://x")
    #expect(arguments.command == ["devices"])
  }

  @Test("Letters of switches may stand together, before an option with a value")
  func clusters() throws {
    let arguments = try run("-jvu http://x tasks create --kind reboot dev1")
    #expect(arguments.has("json") && arguments.has("verbose") && arguments.value("url") == "http://x")
    #expect(arguments.command == ["tasks", "create"])
    #expect(arguments.operands == ["dev1"])
  }

  @Test("Options repeat only where they may; after -- all is operand")
  func repeats() throws {
    #expect(try run("devices --tag a --tag b").values("tag") == ["a", "b"])
    #expect(reason("devices --url a --url b") == "--url was given twice")
    #expect(try run("tasks create -- --kind").operands == ["--kind"])
  }

  @Test("Misuse is told with what was meant, and the exit code is 64")
  func misuse() {
    #expect(reason("devices --jsom") == "unknown option '--jsom'; did you mean '--json'?")
    #expect(reason("device") == "unknown command 'device'; did you mean 'devices'?")
    #expect(reason("devices extra") == "unexpected 'extra'")
    #expect(reason("devices --json=yes") == "--json takes no value")
    #expect(reason("devices --url") == "--url needs a value: URL")
    #expect(reason("tasks create --kind fly") == "--kind takes reboot, download, not 'fly'")
    #expect(reason("tasks") == "a command is missing: one of create")
    #expect(reason("") == "a command is missing: one of devices, tasks")
    #expect(reason("devices -x") == "unknown option '-x'")
    #expect(UsageError.exitCode == 64)
  }

  @Test("Numbers are checked with their range")
  func numbers() throws {
    let arguments = try run("--url 12 devices")
    #expect(try arguments.integer("url", in: 1...20) == 12)
    #expect(try arguments.integer("tag") == nil)
    let error = #expect(throws: UsageError.self) { try arguments.integer("url", in: 1...5) }
    #expect(error?.description.hasPrefix("carillonctl devices: --url takes a whole number from 1 to 5") == true)
  }

  @Test("Help names commands and options, for the command it is asked of")
  func help() throws {
    guard case .help(let text) = try Arguments.parse(["tasks", "create", "--help"], by: table) else {
      Issue.record("no help")
      return
    }
    #expect(text.hasPrefix("Usage: carillonctl tasks create [OPTION…] DEVICE\nMakes a task.\n"))
    #expect(text.contains("      --kind=reboot|download  What to do.\n"))
    #expect(text.contains("  -u, --url=URL"))
    #expect(table.helpText.contains("Commands:\n  devices  Lists devices.\n"))
  }

  @Test("Completion knows every command and option")
  func completion() {
    let script = table.bashCompletion
    for word in ["devices", "tasks", "create", "--kind", "--tag", "reboot download", "--help"] {
      #expect(script.contains(word), "\(word)")
    }
    #expect(script.contains("complete -o bashdefault -F _carillonctl carillonctl"))
  }
}
