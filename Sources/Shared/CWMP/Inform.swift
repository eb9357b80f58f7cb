/// An Inform (TR-069 A.3.3.1).
public struct Inform: Sendable, Hashable {
  /// Who informs.
  public var deviceID: DeviceID
  /// Why, in the order sent; an EventStruct without EventCode is left out (item 81).
  public var events: [EventStruct]
  /// The CPE's number, which means nothing (item 95).
  public var maxEnvelopes: UInt32
  /// The CPE's clock; unknown time when missing.
  public var currentTime: DateTimeText
  /// How often this session was tried before; 0 when missing.
  public var retryCount: UInt32
  /// The parameters, in the order sent; may be empty.
  public var parameters: ParameterList

  /// Makes an Inform.
  public init(
    deviceID: DeviceID, events: [EventStruct], maxEnvelopes: UInt32 = 1, currentTime: DateTimeText = .unknown,
    retryCount: UInt32 = 0, parameters: ParameterList = ParameterList()
  ) {
    self.deviceID = deviceID
    self.events = events
    self.maxEnvelopes = maxEnvelopes
    self.currentTime = currentTime
    self.retryCount = retryCount
    self.parameters = parameters
  }

  /// Whether the Inform has an event.
  public func has(_ code: EventCode) -> Bool { events.contains { $0.code == code } }

  /// The bytes from which a gateway computes the digest that tells a trivial Inform (design: what travels on the log):
  /// the four parts of DeviceId, each ended by a NUL, then `name NUL type NUL value NUL` for each parameter in the
  /// order sent, in few large pieces. NUL cannot stand in XML, so the sequence is unambiguous.
  public func digestInput(_ piece: (Span<UInt8>) -> Void) {
    var head: [UInt8] = []
    for part in [deviceID.manufacturer, deviceID.oui, deviceID.productClass, deviceID.serialNumber] {
      head.append(contentsOf: part.utf8)
      head.append(0)
    }
    piece(head.span)
    parameters.digestInput(piece)
  }
}
