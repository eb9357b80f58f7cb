/// A value that lives on a loop, carried through code that may be elsewhere: it can be opened on its loop only.
///
/// `@unchecked Sendable`, because the one way to the value traps off the loop's thread. What is left is its last
/// release: let the closure or task that carries it end on the loop.
public struct LoopBound<Value>: @unchecked Sendable {
  private let content: Value
  private let loop: EventLoop

  /// Wraps a value; on the loop only.
  public init(_ value: Value, on loop: EventLoop) {
    loop.preconditionOnLoop()
    content = value
    self.loop = loop
  }

  /// The value; traps off the loop.
  public var value: Value {
    loop.preconditionOnLoop()
    return content
  }
}

extension EventLoop {
  /// Runs `work` at once if this is the loop, else as ``post(_:)`` does.
  ///
  /// - Returns: false if the loop has ended, and `work` will never run.
  @discardableResult
  public func runSoon(_ work: @escaping @Sendable () -> Void) -> Bool {
    if isCurrent {
      work()
      return true
    }
    return post(work)
  }

  /// Runs `body` on the loop and waits for its result.
  ///
  /// - Throws: what `body` throws; `NetworkingError` (`.closed`) if the loop has ended.
  public func run<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
      let accepted = runSoon { continuation.resume(with: Swift.Result(catching: body)) }
      if !accepted {
        continuation.resume(
          throwing: NetworkingError(.closed, "run on event loop \(name)", detail: "the loop has ended"))
      }
    }
  }
}
