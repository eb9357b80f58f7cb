import CWMP
import Cryptography
import EventLog
import Fleet

@testable import SessionWorker

/// Holds a history to the promises (docs/architecture.md, section 1), and each device to what it must end as.
enum Checker {
  /// P3: an RPC's bytes leave only after its dispatch to this POST is committed.
  static func leaving(_ body: [UInt8], _ post: UInt64, _ gateway: UUID128, _ simulation: Simulation) {
    guard let envelope = try? EnvelopeParser(side: .cpe).parse(body), let id = envelope.id,
      let key = CommandKey(text: id)
    else { return simulation.violated(.p3, "an RPC without our ID left") }
    let dispatch = SimulatedDatabase.Dispatch(attempt: key, post: PostID(instance: gateway, counter: post).bytes)
    if !simulation.database.dispatches.contains(dispatch) {
      simulation.violated(.p3, "\(key.text) left before its dispatch was committed")
    }
  }

  /// After all has settled.
  static func check(_ simulation: Simulation) {
    informs(simulation)
    tasks(simulation)
    for cpe in simulation.cpes { model(cpe, simulation) }
    events(simulation)
  }

  /// P1: what was acknowledged was in the log and is folded. P7: also behind a record that crashes its reader.
  private static func informs(_ simulation: Simulation) {
    let logged = Set(
      simulation.log.records.joined().compactMap { record -> UUID128? in
        let read = RecordOfNextVersion.read(record)
        guard let message = try? CPEMessage(read, body: []), message.kind == .inform else { return nil }
        return message.session
      })
    let poisoned = !simulation.database.contents.deadLetters.isEmpty || simulation.bug == .readsPoisonAgain
    for cpe in simulation.cpes {
      for session in cpe.acknowledged {
        if !logged.contains(session) { simulation.violated(.p1, "cpe \(cpe.number): an acknowledged Inform is lost") }
        if !simulation.database.contents.folded.contains(session) {
          simulation.violated(poisoned ? .p7 : .p1, "cpe \(cpe.number): an acknowledged Inform was never folded")
        }
      }
    }
  }

  // MARK: - Events

  private static func events(_ simulation: Simulation) {
    let contents = simulation.database.contents
    let events = contents.events
    // What an Inform tells of its device is told once more where the log has it twice.
    let once = events.filter { $0.event.task != nil }.map(\.id)
    if Set(once).count != once.count { simulation.violated(.p5, "two events share an id") }
    for (task, state) in contents.finished where !task.isOfSession {
      let told = events.count { $0.event.task?.id == task.id && $0.event.type == "carillon.task.\(state.name).v1" }
      if told != 1 { simulation.violated(.p5, "the end of task \(task.id.base64URL) was told \(told) times") }
    }
    for cpe in simulation.cpes {
      relayed(cpe, events, simulation)
      told(cpe, events, simulation)
    }
  }

  /// P5: whoever reads a topic gets each committed event, in order.
  private static func relayed(
    _ cpe: SimulatedCPE, _ events: [SimulatedDatabase.ToldEvent], _ simulation: Simulation
  ) {
    let own = events.filter { $0.event.device == cpe.device }
    guard own.map(\.sequence) == own.map(\.sequence).sorted() else {
      return simulation.violated(.p5, "events of cpe \(cpe.number) have sequence numbers out of order")
    }
    for topic in [Topic.deviceEvents, .taskEvents, .deadLetters] {
      let expected = own.filter { $0.event.topic == topic }
      let count = simulation.subscriber.taken(expected.map(\.id), of: cpe.device, topic)
      guard count < expected.count else { continue }
      let missing = expected[count].event.type
      simulation.violated(.p5, "cpe \(cpe.number): \(missing), its event \(count) of \(topic), never came in its turn")
    }
  }

  /// P1: what happened to a device and was acknowledged is told, whenever its record was folded.
  private static func told(
    _ cpe: SimulatedCPE, _ events: [SimulatedDatabase.ToldEvent], _ simulation: Simulation
  ) {
    let own = events.filter { $0.event.device == cpe.device }
    func isTold(_ what: String, in session: UUID128) -> Bool {
      own.contains { $0.event.type == "carillon.device.\(what).v1" && $0.event.data.holds(session.description) }
    }
    // A BOOT that was never acknowledged and the next one are one, wherever that one's Inform is read in the end.
    var sessions: [UUID128] = []
    for restart in cpe.restarts {
      sessions += restart.sessions
      guard let session = restart.acknowledged else { continue }
      defer { sessions = [] }
      guard !simulation.database.contents.deadLetters.contains(session),
        !sessions.contains(where: { isTold("booted", in: $0) })
      else { continue }
      simulation.violated(.p1, "cpe \(cpe.number): its BOOT of session \(session) was acknowledged and never told")
    }
    for (session, request) in cpe.reported {
      let what: String? =
        switch request {
        case .getRPCMethods: nil
        case .transferComplete: "transfer_completed"
        case .autonomousTransferComplete: "autonomous_transfer_completed"
        case .unknown: "request_refused"
        }
      if let what, !isTold(what, in: session) {
        simulation.violated(.p1, "cpe \(cpe.number): \(request.method) was answered and never told")
      }
    }
  }
}

extension [UInt8] {
  /// Whether the text is in it.
  fileprivate func holds(_ text: String) -> Bool {
    let wanted = Array(text.utf8)
    guard count >= wanted.count else { return false }
    return (0...count - wanted.count).contains { self[$0] == wanted[0] && self[$0...].starts(with: wanted) }
  }
}
