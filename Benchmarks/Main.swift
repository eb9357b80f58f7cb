import Glibc

/// `carillon-bench NAME...`: runs the named benchmarks in this order, or all. `carillon-bench COMMAND OPTIONS...`: one
/// of the programs that `scripts/bench` measures from outside.
@main
enum Main {
  private static let benchmarks: [(name: String, run: @Sendable () -> Void)] = [
    ("xml", { XMLBench.run() }), ("hostile", { HostileBench.run() }),
  ]

  private static let commands: [String: @Sendable ([String]) async throws -> Void] = [
    "http-server": HTTPBench.serve, "hold": HoldBench.hold,
  ]

  static func main() async {
    let wanted = Array(CommandLine.arguments.dropFirst())
    if let name = wanted.first, let command = commands[name] {
      do {
        try await command(Array(wanted.dropFirst()))
      } catch {
        print("\(name): \(error)")
        exit(1)
      }
      return
    }
    for benchmark in benchmarks where wanted.isEmpty || wanted.contains(benchmark.name) { benchmark.run() }
  }
}
