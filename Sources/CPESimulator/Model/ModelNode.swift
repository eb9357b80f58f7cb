import CWMP

/// One entry of a model: an object, a table of objects, or a parameter.
struct ModelNode: Sendable {
  enum Kind: Sendable {
    case object
    /// `isOpen`: the ACS may add and delete instances. `initial`: how many there are at first.
    case table(initial: UInt16, isOpen: Bool)
    case parameter(Parameter)
  }

  struct Parameter: Sendable {
    var type: ParameterType
    var isWritable = false
    /// Reads as the empty string, like a password (item 115).
    var isHidden = false
    /// Changes by itself; never part of an Inform by choice.
    var isVolatile = false
    /// Refuses active notification with 9009 (item 139).
    var deniesNotification = false
    /// Notification is 2 and stays so (item 140).
    var forcesNotification = false
    /// The value before anybody has written one; may hold placeholders.
    var initial: String
    /// Whether `initial` has to be filled in.
    var isComputed = false
  }

  let name: String
  let parent: UInt16
  /// How many tables stand above it; for a table this is the level of its own instance number.
  let level: Int
  let kind: Kind
  var children: [UInt16] = []

  var parameter: Parameter? {
    if case .parameter(let parameter) = kind { parameter } else { nil }
  }

  var isTable: Bool {
    if case .table = kind { true } else { false }
  }
}
