/// A process of ours: it may be killed, be stopped for a while (SIGSTOP) or be cut off from what it works with.
///
/// All that it does later goes through ``after(_:_:)``: once killed it does it never, when stopped it does it as it
/// goes on, as if no time had passed.
final class SimulatedProcess {
  enum Service: Int {
    case log
    case postgreSQL
  }

  let name: String
  /// Whether its program is of the next version.
  var isNewer = false
  /// How long it has been stopped in all.
  private(set) var stoppedFor: Int64 = 0
  private var life = 0
  private var stoppedUntil: Int64 = 0
  private var cutOffUntil: [Int64] = [0, 0]
  private unowned let simulation: Simulation

  init(_ simulation: Simulation, _ name: String) {
    self.simulation = simulation
    self.name = name
  }

  var isStopped: Bool { simulation.now < stoppedUntil }

  func after(_ delay: Int64, _ work: @escaping () -> Void) {
    let life = life
    simulation.after(delay) { [self] in resume(life, work) }
  }

  /// What comes from outside: done at once, or when it goes on.
  func enter(_ work: @escaping () -> Void) { resume(life, work) }

  private func resume(_ life: Int, _ work: @escaping () -> Void) {
    guard life == self.life else { return }
    guard isStopped else { return work() }
    // What has piled up is taken in any order.
    simulation.after(stoppedUntil - simulation.now + simulation.between(0, 2_000)) { [self] in resume(life, work) }
  }

  // MARK: - Faults

  func kill(_ why: String = "") {
    simulation.note("\(name) dies\(why.isEmpty ? "" : " " + why)")
    life += 1
    stoppedUntil = 0
  }

  func stop(for duration: Int64, _ what: Exercise) {
    guard !isStopped else { return }
    simulation.note("\(name) stops for \(duration / 1000) ms")
    simulation.saw(what)
    stoppedUntil = simulation.now + duration
    stoppedFor += duration
  }

  func isCutOff(from service: Service, for duration: Int64) {
    simulation.note("\(name) is cut off from \(service) for \(duration / 1000) ms")
    cutOffUntil[service.rawValue] = simulation.now + duration
  }

  /// When it reaches the service again.
  func isBack(at service: Service) -> Int64 { cutOffUntil[service.rawValue] }

  /// Whether it can talk to a service that is up.
  func reaches(_ service: Service) -> Bool {
    guard simulation.now >= cutOffUntil[service.rawValue] else { return false }
    return switch service {
    case .log: simulation.log.isUp
    case .postgreSQL: simulation.database.isUp
    }
  }
}
