public import Cryptography
public import DataModel
public import Fleet
public import Policy

/// All that the fold knows of one device: what the batch loaded, and after the fold what it must write.
///
/// The batch writer compares it with what it loaded; there are no flags to forget.
public struct DeviceState: Sendable {
  /// The device.
  public var id: UUID128
  /// Its row; nil before first contact.
  public var device: DeviceRow?
  /// Its contact; nil before first contact.
  public var contact: ContactRow?
  /// Its session, if there is one with work.
  public var session: SessionRow?
  /// Its credentials, if it has or is getting any.
  public var credential: CredentialRow?
  /// Its live tasks, by id.
  public var tasks: [RPCTask] = []
  /// Live tasks whose requests only a newer version knows: they are left to its workers.
  public var unreadableTasks: [UUID128] = []
  /// What tasks that are queued or in doubt depend on and what ended otherwise than well: it is no longer live, and its
  /// end may not have seen them, or left them. Read with the tasks, never written.
  public var failedPrerequisites: Set<UUID128> = []
  /// What we know of its parameters.
  public var twin = Twin()
  /// Policies that do not hold on it.
  public var standings: [PolicyStanding] = []

  /// Creates the state of a device of which nothing is known.
  public init(id: UUID128) { self.id = id }

  /// The index of a live task.
  func index(of task: UUID128) -> Int? { tasks.firstIndex { $0.id == task } }
}
