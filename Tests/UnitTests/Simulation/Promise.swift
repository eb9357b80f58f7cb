/// What must hold: the promises of docs/architecture.md, section 1, and what they are made for.
enum Promise: String {
  /// What was answered is durable; an event is ours for ever after that.
  case p1 = "P1"
  /// What the API took is committed.
  case p2 = "P2"
  /// An RPC's bytes leave after its dispatch is committed.
  case p3 = "P3"
  /// Nothing dangerous is repeated blindly.
  case p4 = "P4"
  /// A change and its event are one; events come at least once, in order, with stable ids.
  case p5 = "P5"
  /// Any POST can reach any gateway.
  case p6 = "P6"
  /// One device's bad input harms no other.
  case p7 = "P7"
  /// Under overload what is urgent, and what goes on already, is served.
  case p8 = "P8"
  /// What a device is, we know; what its policy says, it is.
  case knowledge = "the twin"
  /// No device is locked out.
  case access = "access"
  /// A task ends as it went, and nobody waits for it in vain.
  case tasks = "tasks"
  /// Every POST is answered or refused in 10 s.
  case deadline = "the deadline"
}

/// A promise that was not kept.
struct Violation: CustomStringConvertible {
  let promise: Promise
  let text: String
  var description: String { "\(promise.rawValue): \(text)" }
}
