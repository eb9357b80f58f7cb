import CPESimulator
import Glibc
import Networking
import Operations

/// Simulated CPEs from a shell: `run` them as devices live, `load` an ACS with them, `verify` what it knows of them.
@main
enum Main {
  static func main() async {
    ProcessLimits.ignoreBrokenPipes()
    ProcessLimits.raiseOpenFiles()
    do {
      switch try Arguments.parse(Array(CommandLine.arguments.dropFirst()), by: CommandLineTable.table) {
      case .help(let text): print(text, terminator: "")
      case .run(let arguments): exit(try await execute(arguments))
      }
    } catch let error as UsageError {
      Terminal.complain("\(error)")
      exit(UsageError.exitCode)
    } catch {
      Terminal.complain("carillon-cpe: \(error)")
      exit(1)
    }
  }

  private static func execute(_ arguments: Arguments) async throws -> Int32 {
    switch arguments.command {
    case ["run"], ["load"]: try await FleetCommand(arguments).execute()
    default: try await VerifyCommand(arguments).execute()
    }
  }
}
