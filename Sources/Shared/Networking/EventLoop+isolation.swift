extension EventLoop {
  /// Traps unless called on the loop; makes `assumeIsolated` of actors on this loop work inside its callbacks.
  public func checkIsolated() {
    precondition(isCurrent, "not on event loop \(name)")
  }

  /// Whether the present code runs on the loop.
  public func isIsolatingCurrentContext() -> Bool? { isCurrent }
}
