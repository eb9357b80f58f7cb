/// Runs `operation` on `loop` and cancels it when `deadline` has passed.
///
/// Returns only when the operation has ended: one that ignores its cancellation is waited for.
///
/// - Throws: `NetworkingError` (`.deadlineExceeded`) if the deadline came first; else what the operation throws.
public func withDeadline<Success: Sendable>(
  _ deadline: Duration, on loop: EventLoop, _ operation: @escaping @Sendable () async throws -> Success
) async throws -> Success {
  try await withThrowingTaskGroup(of: Success?.self) { group in
    group.addTask(executorPreference: loop) { try await operation() }
    group.addTask(executorPreference: loop) {
      try await loop.sleep(for: deadline)
      return nil
    }
    defer { group.cancelAll() }
    // The first to end decides; a failed operation rethrows here.
    if let first = try await group.next(), let success = first { return success }
    throw NetworkingError(.deadlineExceeded, "deadline of \(deadline)")
  }
}
