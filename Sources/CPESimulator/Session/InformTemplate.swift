import CWMP

/// An Inform of one model, rendered once; for each session only what differs is filled in. This keeps the simulator
/// cheap: it often shares its machine with the servers that it tests.
final class InformTemplate: Sendable {
  private enum Piece: Sendable {
    case literal([UInt8])
    case id
    case serialNumber
    case events
    case currentTime
    case retryCount
    case parameterCount
    case value(NodeAddress)
    case changedParameters
  }

  private let pieces: [Piece]
  /// The parameters of every Inform: the forced ones, the provider's address, then others up to the count asked for.
  let parameters: [NodeAddress]

  /// - Parameter parameterCount: How many parameters each Inform carries, at least the forced ones.
  init(model: DeviceModel, parameterCount: Int) {
    parameters = Self.choose(model, parameterCount)
    var text = Builder()
    text.add(Self.head)
    text.add(.id)
    text.add("</cwmp:ID></soap-env:Header><soap-env:Body><cwmp:Inform><DeviceId><Manufacturer>Carillon</Manufacturer>")
    text.add("<OUI>\(CPEIdentity.oui)</OUI><ProductClass>\(CPEIdentity.productClass)</ProductClass><SerialNumber>")
    text.add(.serialNumber)
    text.add("</SerialNumber></DeviceId>")
    text.add(.events)
    text.add("<MaxEnvelopes>1</MaxEnvelopes><CurrentTime>")
    text.add(.currentTime)
    text.add("</CurrentTime><RetryCount>")
    text.add(.retryCount)
    text.add("</RetryCount><ParameterList soap-enc:arrayType=\"cwmp:ParameterValueStruct[")
    text.add(.parameterCount)
    text.add("]\">")
    for address in parameters {
      text.add(Self.opening(of: address, in: model))
      text.add(.value(address))
      text.add("</Value></ParameterValueStruct>")
    }
    text.add(.changedParameters)
    text.add("</ParameterList></cwmp:Inform></soap-env:Body></soap-env:Envelope>\n")
    pieces = text.finished
  }

  /// Appends a CPE's Inform.
  func render(_ cpe: CPEState, events: [EventStruct], id: String, now: Int64, into output: inout [UInt8]) {
    let others = cpe.changes.filter { !parameters.contains($0) }
    for piece in pieces {
      switch piece {
      case .literal(let bytes): output.append(contentsOf: bytes)
      case .id: output.append(contentsOf: id.utf8)
      case .serialNumber: output.append(contentsOf: cpe.identity.serialNumber.utf8)
      case .events: Self.render(events, into: &output)
      case .currentTime: output.append(contentsOf: DateTimeText(microseconds: now * 1_000).text.utf8)
      case .retryCount: output.append(contentsOf: String(cpe.retryCount).utf8)
      case .parameterCount: output.append(contentsOf: String(parameters.count + others.count).utf8)
      case .value(let address): Self.escape(cpe.readableValue(at: address, now: now), into: &output)
      case .changedParameters:
        for address in others {
          output.append(contentsOf: Self.opening(of: address, in: cpe.model).utf8)
          Self.escape(cpe.readableValue(at: address, now: now), into: &output)
          output.append(contentsOf: "</Value></ParameterValueStruct>".utf8)
        }
      }
    }
  }

  private static let head = """
    <?xml version="1.0" encoding="UTF-8"?>
    <soap-env:Envelope xmlns:soap-env="http://schemas.xmlsoap.org/soap/envelope/" \
    xmlns:soap-enc="http://schemas.xmlsoap.org/soap/encoding/" xmlns:xsd="http://www.w3.org/2001/XMLSchema" \
    xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:cwmp="urn:dslforum-org:cwmp-1-2">\
    <soap-env:Header><cwmp:ID soap-env:mustUnderstand="1">
    """

  private static func opening(of address: NodeAddress, in model: DeviceModel) -> String {
    let type = model.node(address).parameter?.type.qualifiedName ?? "xsd:string"
    return "<ParameterValueStruct><Name>\(model.path(of: address))</Name><Value xsi:type=\"\(type)\">"
  }

  private static func choose(_ model: DeviceModel, _ count: Int) -> [NodeAddress] {
    var chosen = model.forced
    if !chosen.contains(model.known.wanAddress) { chosen.append(model.known.wanAddress) }
    for address in DeviceData().parameters(below: NodeAddress(node: 0), in: model) where chosen.count < count {
      guard let parameter = model.node(address).parameter, !parameter.isHidden, !parameter.isVolatile else { continue }
      if !chosen.contains(address) { chosen.append(address) }
    }
    return chosen
  }

  private static func render(_ events: [EventStruct], into output: inout [UInt8]) {
    output.append(contentsOf: "<Event soap-enc:arrayType=\"cwmp:EventStruct[\(events.count)]\">".utf8)
    for event in events {
      output.append(contentsOf: "<EventStruct><EventCode>".utf8)
      escape(event.code.description, into: &output)
      output.append(contentsOf: "</EventCode><CommandKey>".utf8)
      escape(event.commandKey, into: &output)
      output.append(contentsOf: "</CommandKey></EventStruct>".utf8)
    }
    output.append(contentsOf: "</Event>".utf8)
  }

  private static func escape(_ text: String, into output: inout [UInt8]) {
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "&"): output.append(contentsOf: "&amp;".utf8)
      case UInt8(ascii: "<"): output.append(contentsOf: "&lt;".utf8)
      case UInt8(ascii: ">"): output.append(contentsOf: "&gt;".utf8)
      default: output.append(byte)
      }
    }
  }

  private struct Builder {
    private var pieces: [Piece] = []
    private var literal: [UInt8] = []

    mutating func add(_ text: String) { literal.append(contentsOf: text.utf8) }

    mutating func add(_ piece: Piece) {
      if !literal.isEmpty { pieces.append(.literal(literal)) }
      literal = []
      pieces.append(piece)
    }

    var finished: [Piece] { pieces + [.literal(literal)] }
  }
}
