/// Where a parameter or an object stands in a CPE: its node in the shared model, and the instance numbers on the way to
/// it. Eight bytes, so that what a CPE has written costs little: there may be 20,000 of them in a process.
///
/// A table's node stands for the table where its own number is 0, and for an instance where it is not.
struct NodeAddress: Hashable, Sendable {
  /// How many tables may stand within each other.
  static let deepestNesting = 3

  var node: UInt16
  private var first: UInt16 = 0
  private var second: UInt16 = 0
  private var third: UInt16 = 0

  init(node: UInt16) { self.node = node }

  /// The instance number at a nesting level from 0; 0 where there is none.
  subscript(level: Int) -> UInt16 {
    get {
      switch level {
      case 0: first
      case 1: second
      case 2: third
      default: 0
      }
    }
    set {
      switch level {
      case 0: first = newValue
      case 1: second = newValue
      case 2: third = newValue
      default: break
      }
    }
  }

  /// The same instance numbers at another node.
  func at(_ node: UInt16) -> NodeAddress {
    var address = self
    address.node = node
    return address
  }

  /// The same node with a number at a level.
  func numbered(_ number: UInt16, at level: Int) -> NodeAddress {
    var address = self
    address[level] = number
    return address
  }
}
