import Testing

@Suite("Seeded simulation of the core")
struct SimulationTests {
  @Test("histories with losses, duplicates, crashes and zombies keep the promises", arguments: 1...50)
  func promises(_ seed: UInt64) {
    let simulation = Simulation(seed: seed)
    simulation.run()
    let trace = simulation.violations.isEmpty ? "" : simulation.trace.suffix(150).joined(separator: "\n")
    #expect(simulation.violations.isEmpty, "seed \(seed):\n\(trace)")
  }

  @Test("a planted bug is found", arguments: PlantedBug.allCases)
  func plantedBug(_ bug: PlantedBug) {
    let found = (1...200).first { seed in
      let simulation = Simulation(seed: UInt64(seed), bug: bug)
      simulation.run()
      return !simulation.violations.isEmpty
    }
    #expect(found != nil, "\(bug) was not found in 200 seeds")
  }
}
