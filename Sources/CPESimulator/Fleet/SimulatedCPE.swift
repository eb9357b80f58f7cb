/// One CPE of a loop: its state, and where it is in its life.
final class SimulatedCPE {
  /// Its place in the loop's array.
  let place: Int
  var state: CPEState
  /// The open session.
  var session: SessionRunner?
  /// It waits for its turn to connect.
  var isQueued = false
  /// It is starting: no sessions, no answers to connection requests.
  var isDown = false
  /// Its session failed, in a load whose CPEs try again.
  var waitsToRetry = false
  var isProvisioned = false
  /// Sessions begun.
  var sessions: UInt32 = 0
  /// Only the wake-up of the present generation counts.
  var periodicGeneration: UInt32 = 0
  var retryGeneration: UInt32 = 0

  init(place: Int, state: CPEState) {
    self.place = place
    self.state = state
  }
}
