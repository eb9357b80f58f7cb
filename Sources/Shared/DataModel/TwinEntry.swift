/// What is known of one parameter or object of a device.
public struct TwinEntry: Sendable, Equatable {
  /// A parameter's value.
  public enum Value: Sendable, Equatable {
    /// As the CPE reported it or as we set it.
    case text(String)
    /// A secret that we set: the caller's keyed fingerprint of it, at most 64 bytes, never the value (item 115).
    case secret(fingerprint: [UInt8])
  }

  /// Sets of one and the same value that no report has confirmed (Q42).
  public struct Unconfirmed: Sendable, Equatable {
    /// A hash of the value that was set.
    public var digest: UInt32
    /// How often it was set and accepted since a report last agreed.
    public var count: UInt8

    /// Makes a mark.
    public init(digest: UInt32, count: UInt8) {
      self.digest = digest
      self.count = count
    }

    /// The hash by which two values count as the same (FNV-1a over the UTF-8).
    public static func digest(of value: String) -> UInt32 {
      value.utf8.reduce(2_166_136_261) { ($0 ^ UInt32($1)) &* 16_777_619 }
    }
  }

  /// The value; `nil` where none is known. Objects have none.
  public var value: Value?
  /// The type that the CPE gave, or that we set it with.
  public var type: ParameterType?
  /// When the value was last learned. With no value: when the CPE was asked in vain. Of an object: when all the values
  /// below it were read.
  public var valueAt: UnixMilliseconds?
  /// Of a parameter: may be set; of a table: AddObject; of an instance: DeleteObject (item 124).
  public var writable: Bool?
  /// When `writable` was learned.
  public var writableAt: UnixMilliseconds?
  /// The notification attribute, 0...6.
  public var notification: UInt8?
  /// The access list.
  public var accessList: [String]?
  /// When the attributes were learned.
  public var attributesAt: UnixMilliseconds?
  /// Of an object: when the complete list of its children was learned.
  public var childrenAt: UnixMilliseconds?
  /// Sets that no report has confirmed.
  public var unconfirmed: Unconfirmed?

  /// An entry of which nothing is known but that it is there.
  public init() {}

  /// The value's text, unless it is secret or unknown.
  public var text: String? {
    if case .text(let text) = value { text } else { nil }
  }
}
