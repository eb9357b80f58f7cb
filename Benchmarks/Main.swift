/// `carillon-bench NAME...`: runs the named benchmarks in this order, or all.
@main
enum Main {
  private static let benchmarks: [(name: String, run: @Sendable () -> Void)] = [
    ("xml", { XMLBench.run() })
  ]

  static func main() {
    let wanted = CommandLine.arguments.dropFirst()
    for benchmark in benchmarks where wanted.isEmpty || wanted.contains(benchmark.name) { benchmark.run() }
  }
}
