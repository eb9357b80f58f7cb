public import Cryptography

/// The name of one attempt at a task, as `cwmp:ID` and as CommandKey: base64url of the task's id, then the attempt in
/// decimal; at most 32 characters (docs/architecture.md, section 2.1; items 36 and 156).
public struct CommandKey: Sendable, Hashable {
  /// The task.
  public var task: UUID128
  /// The attempt, from 1.
  public var attempt: Int32

  private static let taskLength = 22

  /// Names an attempt.
  public init(task: UUID128, attempt: Int32) {
    self.task = task
    self.attempt = attempt
  }

  /// Reads a key as we wrote it; nil for anything else, such as another ACS's.
  public init?(text: some Collection<UInt8>) {
    guard text.count > Self.taskLength, text.count <= 32,
      let task = UUID128(base64URL: Array(text.prefix(Self.taskLength)).span)
    else { return nil }
    var attempt: Int32 = 0
    for digit in text.dropFirst(Self.taskLength) {
      guard (48...57).contains(digit), attempt < 100_000_000 else { return nil }
      attempt = attempt * 10 + Int32(digit - 48)
    }
    guard attempt > 0 else { return nil }
    self.init(task: task, attempt: attempt)
  }

  /// The key as it travels.
  public var text: String { task.base64URL + String(attempt) }
}
