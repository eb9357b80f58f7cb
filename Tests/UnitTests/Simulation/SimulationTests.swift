import Glibc
import Synchronization
import Testing

@Suite("Seeded simulation of the core")
struct SimulationTests {
  /// What `scripts/test` asks for: other seeds than the usual.
  private static func wanted(_ name: String) -> UInt64? { getenv(name).flatMap { UInt64(String(cString: $0)) } }

  @Test("histories with losses, duplicates, crashes, jumps of clocks, restores and zombies keep the promises")
  func promises() async throws {
    if let seed = Self.wanted("CARILLON_SEED") { return try replay(seed) }
    let first = Self.wanted("CARILLON_SIMULATE_FROM") ?? 1
    let seconds = Self.wanted("CARILLON_SIMULATE_SECONDS")
    let end = ContinuousClock.now + .seconds(Int(seconds ?? 0))
    let seeds = Seeds(from: first)
    let failed = try await withThrowingTaskGroup { group in
      for _ in 0..<sysconf(Int32(_SC_NPROCESSORS_ONLN)) {
        group.addTask {
          var failed: [UInt64] = []
          while failed.isEmpty, seconds == nil || ContinuousClock.now < end {
            let seed = seeds.next()
            guard seconds != nil || seed < first + 200 else { break }
            if try Self.violations(seed) { failed.append(seed) }
          }
          return failed
        }
      }
      return try await group.reduce(into: []) { $0 += $1 }
    }
    for seed in failed.sorted() { try replay(seed) }
    if seconds != nil { print("simulated seeds \(first) to \(seeds.next() - 1)") }
  }

  @Test("a planted bug is found", arguments: PlantedBug.allCases)
  func plantedBug(_ bug: PlantedBug) throws {
    let found = try (1...1000).first { try Self.violations($0, bug) }
    #expect(found != nil, "\(bug) was not found in 1,000 seeds")
  }

  @Test func `the same seed makes the same history`() throws {
    for seed in [UInt64(1), 6, 94] { #expect(try Self.run(seed).trace == Self.run(seed).trace) }
  }

  // MARK: -

  private static func violations(_ seed: UInt64, _ bug: PlantedBug? = nil) throws -> Bool {
    let simulation = try Simulation(seed: seed, bug: bug)
    simulation.run()
    return !simulation.violations.isEmpty
  }

  private static func run(_ seed: UInt64) throws -> Simulation {
    let simulation = try Simulation(seed: seed, isTraced: true)
    simulation.run()
    return simulation
  }

  /// Tells the whole story of a seed, for a person to read.
  private func replay(_ seed: UInt64) throws {
    let simulation = try Self.run(seed)
    for line in simulation.trace ?? [] { print(line) }
    let found = simulation.violations.joined(separator: "; ")
    #expect(simulation.violations.isEmpty, "seed \(seed) (scripts/test --seed \(seed)): \(found)")
  }
}

/// Gives each seed out once.
private final class Seeds: Sendable {
  private let seed: Atomic<UInt64>

  init(from first: UInt64) { seed = Atomic(first) }

  func next() -> UInt64 { seed.wrappingAdd(1, ordering: .relaxed).oldValue }
}
