import CLibEvent

/// A descriptor that a loop watches for another library (libpq, librdkafka, curl): made by
/// ``EventLoop/watch(_:interest:_:)``. Level-triggered: the handler is called while the descriptor is ready and wanted.
/// Cancel it before the descriptor is closed.
public final class DescriptorWatch: LoopEvent {
  /// The watched descriptor; the watch does not own it.
  public let descriptor: CInt
  private var handler: ((Readiness) -> Void)?

  /// What is waited for; setting it takes effect at once. Empty: nothing, without forgetting the watch.
  public var interest: Readiness = [] {
    didSet { if interest != oldValue { apply() } }
  }

  init(loop: EventLoop, descriptor: CInt, handler: @escaping (Readiness) -> Void) {
    self.descriptor = descriptor
    self.handler = handler
    super.init(loop: loop)
  }

  /// Stops watching, for good.
  public override func cancel() {
    disarm()
    handler = nil
  }

  override var isOneShot: Bool { false }

  override func fired(_ what: Int16) {
    var readiness: Readiness = []
    if what & Int16(EV_READ) != 0 { readiness.insert(.readable) }
    if what & Int16(EV_WRITE) != 0 { readiness.insert(.writable) }
    handler?(readiness)
  }

  override func loopEnded() { handler = nil }

  private func apply() {
    guard handler != nil else { return }
    if interest.isEmpty { return disarm() }
    var what = EV_PERSIST
    if interest.contains(.readable) { what |= EV_READ }
    if interest.contains(.writable) { what |= EV_WRITE }
    arm(descriptor: descriptor, what: what, timeout: nil)
  }
}

extension EventLoop {
  /// Watches a non-blocking descriptor. The loop keeps the watch while its interest is not empty and until
  /// ``DescriptorWatch/cancel()``.
  public func watch(
    _ descriptor: CInt, interest: Readiness = .readable, _ handler: @escaping (Readiness) -> Void
  ) -> DescriptorWatch {
    let watch = DescriptorWatch(loop: self, descriptor: descriptor, handler: handler)
    watch.interest = interest
    return watch
  }
}
