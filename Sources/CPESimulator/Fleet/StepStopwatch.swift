/// Times a session's RPC steps: POSTs that bring an RPC's answer, or get an RPC, from their last byte to the first byte
/// of what they are answered with. Other POSTs (the Inform, the empty one of a session without work) need no worker.
struct StepStopwatch {
  /// A step that is over.
  struct Step: Equatable {
    var microseconds: Int64
    /// Whether the POST brought an RPC's answer; else it was the first one, which may have waited for the Inform's
    /// verdict before it could ask for its RPC.
    var isResponse: Bool
  }

  private var wroteAt: Int64 = 0
  private var firstByteAt: Int64?
  /// RPCs whose answers left before the present POST.
  private var answered = 0

  /// A POST's last byte was written, in monotonic microseconds.
  mutating func wrote(at now: Int64) {
    wroteAt = now
    firstByteAt = nil
  }

  /// Some of its answer came; only the first call after ``wrote(at:)`` counts.
  mutating func received(at now: Int64) {
    if firstByteAt == nil { firstByteAt = now }
  }

  /// Its answer is complete.
  ///
  /// - Parameters:
  ///   - before: How many RPCs the session had carried out when the POST left.
  ///   - after: How many with what the answer brought.
  /// - Returns: The step; nil if it was none.
  mutating func finished(rpcs before: Int, _ after: Int) -> Step? {
    defer { answered = before }
    guard let firstByteAt, before > answered || after > before else { return nil }
    return Step(microseconds: firstByteAt - wroteAt, isResponse: before > answered)
  }
}
