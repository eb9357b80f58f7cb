import Glibc
import Synchronization
import Testing

@Suite("Seeded simulation of the core")
struct SimulationTests {
  /// How many seeds the normal run has, and within how many a planted bug must be found: in seconds each.
  private static let usual: UInt64 = 200
  private static let bound: UInt64 = 1000

  /// What `scripts/test` asks for: other seeds than the usual.
  private static func wanted(_ name: String) -> UInt64? { getenv(name).flatMap { UInt64(String(cString: $0)) } }

  @Test(
    "histories with losses, duplicates, crashes, jumps of clocks, partitions, restores and zombies keep the promises")
  func promises() async throws {
    if let seed = Self.wanted("CARILLON_SEED") { return try replay(seed) }
    let first = Self.wanted("CARILLON_SIMULATE_FROM") ?? 1
    let seconds = Self.wanted("CARILLON_SIMULATE_SECONDS")
    let end = ContinuousClock.now + .seconds(Int(seconds ?? 0))
    let seeds = Seeds(from: first)
    let (failed, exercises) = try await withThrowingTaskGroup(of: ([UInt64], Exercises).self) { group in
      for _ in 0..<sysconf(Int32(_SC_NPROCESSORS_ONLN)) {
        group.addTask {
          var failed: [UInt64] = []
          var exercises = Exercises()
          while failed.isEmpty, seconds == nil || ContinuousClock.now < end {
            let seed = seeds.next()
            guard seconds != nil || seed < first + Self.usual else { break }
            let simulation = try Self.run(seed)
            exercises.add(simulation.exercises)
            if !simulation.violations.isEmpty { failed.append(seed) }
          }
          return (failed, exercises)
        }
      }
      return try await group.reduce(into: ([UInt64](), Exercises())) { all, part in
        all.0 += part.0
        all.1.add(part.1)
      }
    }
    for seed in failed.sorted() { try replay(seed) }
    for line in exercises.lines { print(line) }
    let after = seeds.next()
    // A run of seconds may be over before all that a history can hold has come.
    if failed.isEmpty, after - first >= Self.usual {
      #expect(exercises.missing.isEmpty, "these seeds have none of \(exercises.missing)")
    }
    if seconds != nil { print("simulated seeds \(first) to \(after - 1)") }
  }

  @Test("a planted bug is found by the promise that it breaks", arguments: PlantedBug.allCases)
  func plantedBug(_ bug: PlantedBug) throws {
    let began = ContinuousClock.now
    let found = try (1...Self.bound).first { try !Self.run($0, bug).violations.isEmpty }
    let took = ContinuousClock.now - began
    print("\(bug): \(bug.breaks.rawValue) is broken in seed \(found.map { "\($0)" } ?? "none"), found in \(took)")
    #expect(found != nil, "\(bug) does not break \(bug.breaks.rawValue) in \(Self.bound) seeds")
  }

  @Test func `the same seed makes the same history`() throws {
    for seed in [UInt64(1), 6, 94] {
      #expect(try Self.run(seed, isTraced: true).trace == Self.run(seed, isTraced: true).trace)
    }
  }

  // MARK: -

  private static func run(_ seed: UInt64, _ bug: PlantedBug? = nil, isTraced: Bool = false) throws -> Simulation {
    let simulation = try Simulation(seed: seed, bug: bug, isTraced: isTraced)
    simulation.run()
    return simulation
  }

  /// Tells the whole story of a seed, for a person to read.
  private func replay(_ seed: UInt64) throws {
    let simulation = try Self.run(seed, isTraced: true)
    for line in simulation.trace ?? [] { print(line) }
    for line in simulation.exercises.lines { print(line) }
    let found = simulation.violations.map(\.description).joined(separator: "; ")
    #expect(simulation.violations.isEmpty, "seed \(seed) (scripts/test --seed \(seed)): \(found)")
  }
}

/// Gives each seed out once.
private final class Seeds: Sendable {
  private let seed: Atomic<UInt64>

  init(from first: UInt64) { seed = Atomic(first) }

  func next() -> UInt64 { seed.wrappingAdd(1, ordering: .relaxed).oldValue }
}
