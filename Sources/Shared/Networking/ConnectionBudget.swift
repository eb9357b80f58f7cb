/// How many connections the listeners of one loop may have open together: at the limit all of them wait, and the
/// kernel's backlogs fill. Lives on the loop.
public final class ConnectionBudget {
  private struct Member {
    weak var listener: Listener?
  }

  private let most: Int
  private var open = 0
  private var members: [Member] = []

  /// A budget of `most` connections, at least one.
  public init(_ most: Int) { self.most = max(most, 1) }

  var hasRoom: Bool { open < most }

  func join(_ listener: Listener) { members.append(Member(listener: listener)) }

  func take() {
    open += 1
    if open == most { tell() }
  }

  func give() {
    open -= 1
    if open == most - 1 { tell() }
  }

  private func tell() {
    for member in members { member.listener?.budgetChanged() }
  }
}
