import Cryptography
import Operations
import PostgreSQL

/// `carillon token create NAME`: a token of the API, printed once; only its hash is kept.
enum TokenCommand {
  static func run(_ arguments: Arguments, _ configuration: Configuration) async throws -> Int32 {
    guard let name = arguments.operands.first, arguments.operands.count == 1 else {
      throw UsageError(command: "carillon token create", reason: "takes one NAME")
    }
    let process = try ServerProcess(configuration, component: "token", writer: LogWriter())
    let lane = try Lane(on: process.control, process.database)
    let token = SecureRandom.token(40)
    _ = try await lane.query(create, .text(name), .bytes(SHA256.hash(Array(token.utf8)).bytes))
    await lane.close()
    print(token)
    return 0
  }

  private static let create = Statement(
    "tokens.create",
    """
    INSERT INTO api_token (name, hash, created_at) VALUES ($1, $2, now())
    ON CONFLICT (name) DO UPDATE SET hash = EXCLUDED.hash, created_at = EXCLUDED.created_at
    """)
}
