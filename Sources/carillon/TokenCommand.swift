import Networking
import Northbound
import Operations
import PostgreSQL

/// `carillon token create|list|revoke`: tokens of the API. A token is printed once; only its hash is kept.
enum TokenCommand {
  static func run(_ arguments: Arguments, _ configuration: Configuration) async throws -> Int32 {
    let verb = arguments.command.last ?? ""
    guard arguments.operands.count == (verb == "list" ? 0 : 1) else {
      throw UsageError(command: "carillon token \(verb)", reason: verb == "list" ? "takes no NAME" : "takes one NAME")
    }
    let process = try ServerProcess(configuration, component: "token", writer: LogWriter())
    let lane = try Lane(on: process.control, process.database)
    let tokens = TokenStore(lane)
    switch verb {
    case "create": print(try await tokens.create(arguments.operands[0]))
    case "revoke": print(try await tokens.revoke(arguments.operands[0]) ? "revoked" : "there is no such token")
    default: for token in try await tokens.list() { print(token.name) }
    }
    await lane.close()
    return 0
  }
}
