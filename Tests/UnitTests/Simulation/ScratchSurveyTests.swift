import Glibc
import Synchronization
import Testing

struct ScratchSurveyTests {
  @Test func survey() async throws {
    func number(_ name: String) -> UInt64? { getenv(name).flatMap { UInt64(String(cString: $0)) } }
    guard let first = number("SURVEY_FROM"), let count = number("SURVEY_COUNT") else { return }
    let bug = getenv("SURVEY_BUG").flatMap { PlantedBug(rawValue: String(cString: $0)) }
    try await withThrowingTaskGroup(of: Exercises.self) { group in
      for half in 0..<UInt64(2) {
        group.addTask {
          var all = Exercises()
          for seed in stride(from: first + half, to: first + count, by: 2) {
            let simulation = try Simulation(seed: seed, bug: bug)
            simulation.run()
            all.add(simulation.exercises)
            if let violation = simulation.violations.first {
              print("SEED \(seed) \(simulation.milliseconds) \(violation)")
            }
          }
          return all
        }
      }
      var all = Exercises()
      for try await part in group { all.add(part) }
      if bug == nil { for line in all.lines { print("SAW \(line)") } }
    }
  }
}
