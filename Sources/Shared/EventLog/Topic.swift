/// The topics of the event log and what each is for (docs/architecture.md, sections 2 and 7).
///
/// Raw values are stored in PostgreSQL (`log_head.topic`) and never change.
public enum Topic: Int16, Sendable, CaseIterable, Hashable {
  /// What CPEs said, and the scheduler's `lost` and `due`: read by session workers, keyed by device.
  case messages = 1
  /// What a gateway must do next with a waiting POST; each gateway reads one partition from its end.
  case directives = 2
  /// Records that could not be folded, with the reason.
  case deadLetters = 3
  /// Northbound: what happened to devices (CloudEvents, binary mode).
  case deviceEvents = 4
  /// Northbound: what became of tasks (CloudEvents, binary mode).
  case taskEvents = 5

  /// The topic's name at a broker, without its incarnation.
  public var name: String {
    switch self {
    case .messages: "cwmp.messages"
    case .directives: "cwmp.directives"
    case .deadLetters: "cwmp.dead-letters"
    case .deviceEvents: "carillon.device-events"
    case .taskEvents: "carillon.task-events"
    }
  }

  /// Whether losing the topic's records is harmless (a directive lost costs one repeated `ready`, section 2.3), so that
  /// an implementation may acknowledge before they are on disk.
  public var isTransient: Bool { self == .directives }
}

/// One ordered sequence of records within a topic.
public struct Partition: Sendable, Hashable, Comparable {
  /// The topic.
  public var topic: Topic
  /// Its number, from 0.
  public var number: Int32

  /// Names partition `number` of `topic`.
  public init(_ topic: Topic, _ number: Int32) {
    self.topic = topic
    self.number = number
  }

  /// By topic, then number: the order in which locks are taken.
  public static func < (left: Partition, right: Partition) -> Bool {
    (left.topic.rawValue, left.number) < (right.topic.rawValue, right.number)
  }
}
