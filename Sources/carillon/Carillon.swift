import Glibc
import Networking
import Operations

/// The server: `carillon gateway|worker|scheduler|northbound|all|migrate|token|config`.
@main
enum Carillon {
  static let version = "0.1.0"

  static func main() async {
    ProcessLimits.ignoreBrokenPipes()
    do {
      switch try Arguments.parse(Array(CommandLine.arguments.dropFirst()), by: table) {
      case .help(let text): print(text)
      case .run(let arguments): exit(try await run(arguments))
      }
    } catch let error as UsageError {
      complain("\(error)")
      exit(UsageError.exitCode)
    } catch let error as ConfigurationError {
      complain("\(error)")
      exit(ConfigurationError.exitCode)
    } catch {
      complain("carillon: \(error)")
      exit(1)
    }
  }

  private static func run(_ arguments: Arguments) async throws -> Int32 {
    switch arguments.command.first {
    case "version":
      print("carillon \(version)")
      return 0
    case "config": return try ConfigCommand.run(arguments)
    case "migrate": return try await MigrateCommand.run(arguments, try load(arguments))
    case "credentials": return try await CredentialsCommand.run(arguments, try load(arguments))
    case "token": return try await TokenCommand.run(arguments, try load(arguments))
    case let name?:
      guard let role = ProcessRole.allCases.first(where: { $0.name == name }) else { return UsageError.exitCode }
      if let records = arguments.value("probe") { return try await ProbeCommand.run(records, arguments) }
      return try await ServeCommand.run(role, try load(arguments), path: arguments.value("config"))
    case nil: return UsageError.exitCode
    }
  }

  /// The configuration of the file that was named, else of the default path, and of the environment.
  static func load(_ arguments: Arguments) throws -> Configuration {
    try Configuration.load(path: arguments.value("config"), environment: Environment.variables)
  }

  private static func complain(_ text: String) {
    var line = text + "\n"
    line.withUTF8 { _ = Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
  }

  private static let config = CommandTable.Option(
    "config", "c", value: "FILE", "The configuration; \(Configuration.defaultPath) unless given.")

  private static let probe = CommandTable.Option(
    "probe", value: "RECORDS",
    "Fold these records (PARTITION:FIRST:END), undo it, exit: what a worker does first with what may crash it.")

  /// The command line, from which help and completion are made too.
  static let table = CommandTable(
    "carillon", "A distributed TR-069 Auto-Configuration Server.",
    commands: ProcessRole.allCases.map { role in
      CommandTable(role.name, summary(role), options: role == .worker ? [config, probe] : [config])
    } + [
      CommandTable(
        "migrate", "Make or update tables and topics, then exit.",
        options: [
          config,
          CommandTable.Option(
            "restored", nil,
            "The database was restored from a backup: put once tasks in doubt, begin the embedded log anew."),
          CommandTable.Option(
            "partitions", value: "N", "Give cwmp.messages N new partitions, more than it has; roles go on meanwhile."),
        ]),
      CommandTable(
        "token", "Tokens of the API.",
        commands: [
          CommandTable(
            "create", "Make a token and print it, once; only its hash is kept.", options: [config], operands: "NAME"),
          CommandTable("list", "Print the tokens' names.", options: [config]),
          CommandTable("revoke", "Make a token void.", options: [config], operands: "NAME"),
        ]),
      CommandTable(
        "credentials", "Credentials that devices already have.",
        commands: [
          CommandTable(
            "import", "Read OUI,ProductClass,SerialNumber,password lines.", options: [config], operands: "FILE")
        ]),
      CommandTable(
        "config", "The configuration.",
        commands: [
          CommandTable("check", "Read the configuration and tell every problem.", options: [config]),
          CommandTable("keys", "Print every key with its environment variable and default."),
        ]),
      CommandTable("version", "Print the version."),
    ])

  private static func summary(_ role: ProcessRole) -> String {
    switch role {
    case .all: "Run every role in one process."
    case .gateway: "Terminate CPE sessions."
    case .worker: "Fold what CPEs say, apply policies, dispatch RPCs."
    case .scheduler: "Connection requests, campaigns, deadlines, the outbox."
    case .northbound: "Serve the REST API."
    }
  }
}

/// The process's environment.
enum Environment {
  /// All variables.
  static var variables: [String: String] {
    var variables: [String: String] = [:]
    var entry = environ
    while let pointer = entry.pointee {
      let text = String(cString: pointer)
      if let equals = text.firstIndex(of: "=") {
        variables[String(text[..<equals])] = String(text[text.index(after: equals)...])
      }
      entry += 1
    }
    return variables
  }
}
