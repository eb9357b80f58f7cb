import CLibEvent

/// A libevent event of ours with a closure: what timers, descriptor watches and signal watches share.
///
/// libevent keeps one reference to it from `arm` until it has fired for the last time or was cancelled, so a handler
/// may cancel itself and a caller may forget it.
public class LoopEvent {
  let loop: EventLoop
  private var event: UnsafeMutablePointer<event>?
  private var armed = false

  init(loop: EventLoop) {
    loop.preconditionOnLoop()
    self.loop = loop
  }

  deinit {
    if let event { event_free(event) }
  }

  /// What the subclass does when libevent calls.
  func fired(_ what: Int16) {}

  /// Whether libevent forgets the event once it has fired.
  var isOneShot: Bool { true }

  /// True until it has fired for the last time or was cancelled.
  public var isActive: Bool { armed }

  /// Forgets the event; its handler is not called again. May be called any number of times, also in the handler.
  public func cancel() { disarm() }

  /// Starts (or starts anew) for `descriptor` (-1: a timer, or a signal's number) and `what`.
  func arm(descriptor: CInt, what: Int32, timeout: UnsafePointer<timeval>?) {
    loop.preconditionOnLoop()
    let context = Unmanaged.passUnretained(self).toOpaque()
    if let event {
      event_del(event)
      event_assign(event, loop.base, descriptor, Int16(what), LoopEvent.callback, context)
    } else {
      event = event_new(loop.base, descriptor, Int16(what), LoopEvent.callback, context)
    }
    guard let event else { return }
    event_add(event, timeout)
    if !armed {
      armed = true
      _ = Unmanaged.passRetained(self)
    }
  }

  /// Takes the event off the base.
  func disarm() {
    guard armed else { return }
    loop.preconditionOnLoop()
    armed = false
    if let event { event_del(event) }
    Unmanaged.passUnretained(self).release()
  }

  private static let callback: event_callback_fn = { _, what, context in
    guard let context else { return }
    let event = Unmanaged<LoopEvent>.fromOpaque(context).takeUnretainedValue()
    event.loop.enter {
      if event.isOneShot { event.disarm() }
      event.fired(what)
    }
  }

  /// Cancels everything of ours that hangs on `base`: at the loop's end.
  static func cancelAll(on base: OpaquePointer) {
    var found: [LoopEvent] = []
    withUnsafeMutablePointer(to: &found) { found in
      _ = event_base_foreach_event(
        base,
        { _, event, context in
          guard let event, unsafeBitCast(event_get_callback(event), to: Int.self) == LoopEvent.callbackAddress,
            let found = context?.assumingMemoryBound(to: [LoopEvent].self), let owner = event_get_callback_arg(event)
          else { return 0 }
          found.pointee.append(Unmanaged<LoopEvent>.fromOpaque(owner).takeUnretainedValue())
          return 0
        }, found)
    }
    for event in found {
      event.disarm()
      event.loopEnded()
    }
  }

  /// Told when the loop ends with the event still armed.
  func loopEnded() {}

  private static var callbackAddress: Int { unsafeBitCast(callback, to: Int.self) }
}
