public import Cryptography
public import EventLog
public import Fleet

/// What the fold wants done besides the device's new state (docs/architecture.md, section 3).
public enum Effect: Sendable {
  /// Tell the gateway; leaves only after the batch's commit (P3).
  case directive(Directive, replyPartition: Int32)
  /// A northbound event, committed with the state that it tells of (P5).
  case event(NorthboundEvent)
  /// A task is over and moves to the history.
  case finished(RPCTask, state: RPCTask.State)
  /// Something that an operator should see in the log; never holds a value of a parameter.
  case alarm(String)
}

/// A northbound event (CloudEvents 1.0; docs/architecture.md, section 5). Its id and sequence are the writer's.
public struct NorthboundEvent: Sendable {
  /// ``EventLog/Topic/deviceEvents`` or ``EventLog/Topic/taskEvents``.
  public var topic: Topic
  /// For example `carillon.device.registered.v1`.
  public var type: String
  /// The device, the event's subject.
  public var device: UUID128
  /// When, microseconds since 1970.
  public var time: Int64
  /// The data, a JSON object.
  public var data: [UInt8]
  /// Of a task's event: the task and its version, from which the id is made when no record caused it.
  public var task: (id: UUID128, version: Int32)?

  /// Creates an event.
  public init(
    topic: Topic, type: String, device: UUID128, time: Int64, data: [UInt8], task: (id: UUID128, version: Int32)? = nil
  ) {
    self.topic = topic
    self.type = type
    self.device = device
    self.time = time
    self.data = data
    self.task = task
  }
}
