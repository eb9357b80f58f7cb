import CWMP
import Cryptography
import EventLog

@testable import Gateway

/// A gateway around the real session core. It may die at any time; a new instance takes its place.
final class SimulatedGateway {
  /// What a CPE gets back; nil is a connection that broke.
  typealias Reply = (SessionCore.Answer, SessionCore.Post?)?

  let number: Int
  private unowned let simulation: Simulation
  private(set) var instance: UUID128
  private var core: SessionCore
  private var exchanges: [UInt64: (post: SessionCore.Post?, reply: (Reply) -> Void)] = [:]
  private var count: UInt64 = 0
  private var life = 0
  private var ids: UInt64 = 0

  init(_ simulation: Simulation, number: Int) {
    self.simulation = simulation
    self.number = number
    instance = UUID128(high: simulation.random.next(), low: UInt64(number))
    core = SessionCore(instance: instance, loop: 0, replyPartition: Int32(number))
  }

  /// kill -9: what was held is gone without a word.
  private func die() {
    simulation.note("gateway \(number) dies")
    life += 1
    let broken = exchanges.values.map(\.reply)
    exchanges = [:]
    instance = UUID128(high: simulation.random.next(), low: UInt64(number))
    core = SessionCore(instance: instance, loop: 0, replyPartition: Int32(number))
    for reply in broken { reply(nil) }
  }

  // MARK: - From CPEs

  func inform(_ device: UUID128, _ body: [UInt8], _ inform: Inform, _ reply: @escaping (Reply) -> Void) {
    if simulation.fault(1) { die() }
    ids += 1
    let session = UUID128(
      high: UInt64(simulation.now / 1000) << 16 | 0x7000, low: 0x8000_0000_0000_0000 | simulation.random.next() >> 2)
    var message = CPEMessage(.inform, device: device, session: session)
    message.authentication = .own
    message.retryCount = inform.retryCount
    message.events = inform.events.map { .init(code: $0.code.description, commandKey: $0.commandKey) }
    message.digest = SHA256.hash(body).bytes
    message.body = body
    message.namespaceMinor = 2
    let post = SessionCore.Post(device: device, session: session, waits: true)
    start(post, reply) { core, id, now in core.inform(id, message, now: now) }
  }

  func empty(_ post: SessionCore.Post, _ reply: @escaping (Reply) -> Void) {
    if simulation.fault(1) { die() }
    start(post, reply) { core, id, now in core.empty(id, post, peer: "", now: now) }
  }

  func response(_ post: SessionCore.Post, _ id: [UInt8], _ body: [UInt8], _ reply: @escaping (Reply) -> Void) {
    if simulation.fault(1) { die() }
    var message = CPEMessage(.response, device: post.device, session: post.session)
    message.cwmpID = id
    message.body = body
    message.namespaceMinor = 2
    start(post, reply) { core, id, now in core.response(id, message, now: now) }
  }

  // MARK: - From the log

  func take(_ directive: Directive) { perform(core.directive(directive, now: simulation.now)) }

  // MARK: - Actions

  private func start(
    _ post: SessionCore.Post, _ reply: @escaping (Reply) -> Void,
    _ body: (inout SessionCore, UInt64, Int64) -> [SessionCore.Action]
  ) {
    count += 1
    let id = count
    exchanges[id] = (post, reply)
    if simulation.fault(2) {
      // The CPE's connection breaks while it waits.
      let life = life
      simulation.after(simulation.between(0, 3_000_000)) { [self] in
        guard life == self.life, let exchange = exchanges.removeValue(forKey: id) else { return }
        perform(core.gone(id, post: nil, now: simulation.now))
        exchange.reply(nil)
      }
    }
    perform(body(&core, id, simulation.now))
  }

  private func perform(_ actions: [SessionCore.Action]) {
    for action in actions {
      switch action {
      case .append(let message, let ticket):
        let life = life
        simulation.log.append(message) { [self] succeeded in
          guard life == self.life, let ticket else { return }
          perform(core.acknowledged(ticket, succeeded: succeeded, now: simulation.now))
        }
      case .respond(let id, let answer):
        guard let exchange = exchanges.removeValue(forKey: id) else { continue }
        if case .rpc(let body) = answer { Checker.leaving(body, simulation) }
        let isLost = simulation.fault(2)
        simulation.after(simulation.between(200, 5_000)) { exchange.reply(isLost ? nil : (answer, exchange.post)) }
      case .close(let id): exchanges.removeValue(forKey: id)?.reply(nil)
      }
    }
    guard let deadline = core.nextDeadline else { return }
    let life = life
    simulation.after(deadline - simulation.now) { [self] in
      guard life == self.life else { return }
      perform(core.tick(now: simulation.now))
    }
  }
}
