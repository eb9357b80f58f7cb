import CLibEvent

/// A signal that a loop watches for the process's lifecycle (SIGTERM, SIGINT, SIGHUP): made by
/// ``EventLoop/watchSignal(_:_:)``. Only one loop of a process may watch signals.
public final class SignalWatch: LoopEvent {
  private var handler: (() -> Void)?

  init(loop: EventLoop, signal: CInt, handler: @escaping () -> Void) {
    self.handler = handler
    super.init(loop: loop)
    arm(descriptor: signal, what: EV_SIGNAL | EV_PERSIST, timeout: nil)
  }

  /// Gives the signal back its default effect.
  public override func cancel() {
    disarm()
    handler = nil
  }

  override var isOneShot: Bool { false }

  override func fired(_ what: Int16) { handler?() }

  override func loopEnded() { handler = nil }
}

extension EventLoop {
  /// Calls `handler` on the loop for each arrival of `signal`, in place of the signal's default effect.
  public func watchSignal(_ signal: CInt, _ handler: @escaping () -> Void) -> SignalWatch {
    SignalWatch(loop: self, signal: signal, handler: handler)
  }
}
