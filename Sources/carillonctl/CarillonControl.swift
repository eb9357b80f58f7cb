import Glibc
import HTTP
import Networking
import Operations

/// The operator's command line: a client of the REST API and of nothing else (docs/api.md).
@main
enum CarillonControl {
  /// What scripts may rely on.
  enum ExitCode {
    /// Done.
    static let done: Int32 = 0
    /// Refused by the API, or a task that was waited for did not succeed.
    static let failed: Int32 = 1
    /// `EX_UNAVAILABLE`: the API cannot be reached, or cannot reach its database.
    static let unavailable: Int32 = 69
    /// `EX_TEMPFAIL`: a task that was waited for is not over yet.
    static let stillUnderWay: Int32 = 75
  }

  static func main() async {
    ProcessLimits.ignoreBrokenPipes()
    do {
      switch try Arguments.parse(Array(CommandLine.arguments.dropFirst()), by: Commands.table) {
      case .help(let text): print(text, terminator: "")
      case .run(let arguments): exit(try await run(arguments))
      }
    } catch let error as UsageError {
      complain("\(error)")
      exit(UsageError.exitCode)
    } catch let error as APIError {
      complain("carillonctl: \(error)")
      exit(error.exitCode)
    } catch let error as ClientSettings.Failure {
      complain("carillonctl: \(error)")
      exit(ClientSettings.Failure.exitCode)
    } catch {
      complain("carillonctl: \(error)")
      exit(ExitCode.failed)
    }
  }

  private static func run(_ arguments: Arguments) async throws -> Int32 {
    if arguments.command == ["completion", "bash"] {
      print(Commands.table.bashCompletion, terminator: "")
      return ExitCode.done
    }
    let loop = try EventLoop(name: "carillonctl")
    let client = try APIClient(Result(catching: ClientSettings.load), on: loop)
    let command = Command(arguments: arguments, client: client)
    let result: Result<Int32, any Error>
    do {
      result = .success(try await command.run())
    } catch {
      result = .failure(error)
    }
    await client.close()
    await loop.shutdown()
    return try result.get()
  }

  /// Writes a line to standard error.
  static func complain(_ text: String) {
    var line = text + "\n"
    line.withUTF8 { _ = Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
  }
}
