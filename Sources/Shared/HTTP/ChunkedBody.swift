/// The chunked transfer coding (RFC 9112 §7.1), strictly: sizes of hexadecimal digits with nothing around them but an
/// extension, CRLF everywhere, trailers checked and dropped.
struct ChunkedBody: Sendable {
  private enum State: UInt8 {
    case sizeFirst, size, sizeExtension, sizeLF, data, dataCR, dataLF
    case trailerStart, trailerName, trailerValue, trailerLF, lastLF, ended
  }

  private var state = State.sizeFirst
  private var remaining = 0
  /// Bytes of the present chunk's extension, or of all trailers.
  private var overhead = 0

  /// The next piece of the body in `input` from `position` on; `.end` once, behind the last trailer.
  mutating func next(
    _ input: Span<UInt8>, _ position: inout Int, limits: RequestLimits
  ) throws(RequestError) -> RequestEvent {
    while position < input.count {
      if state == .data {
        let range = position..<(position + min(remaining, input.count - position))
        remaining -= range.count
        position = range.upperBound
        if remaining == 0 { state = .dataCR }
        return .body(range)
      }
      let byte = input[position]
      position += 1
      switch state {
      case .sizeFirst, .size, .sizeExtension, .sizeLF: try size(byte, limits.chunkExtension)
      case .dataCR: try expect(byte, 0x0D, then: .dataLF, "chunk longer than its size")
      case .dataLF: try expect(byte, 0x0A, then: .sizeFirst, "chunk not ended by CRLF")
      default: try trailer(byte, limits.trailers)
      }
      if state == .ended { return .end }
    }
    return .needMore
  }

  private mutating func expect(
    _ byte: UInt8, _ wanted: UInt8, then next: State, _ fault: String
  ) throws(RequestError) {
    guard byte == wanted else { throw RequestError(.badRequest, fault) }
    state = next
  }

  private mutating func size(_ byte: UInt8, _ longestExtension: Int) throws(RequestError) {
    switch (state, byte) {
    case (.sizeFirst, _):
      guard let digit = byte.hexValue else { throw RequestError(.badRequest, "malformed chunk size") }
      (remaining, overhead, state) = (Int(digit), 0, .size)
    case (.sizeLF, _):
      try expect(byte, 0x0A, then: remaining == 0 ? .trailerStart : .data, "chunk size not ended by CRLF")
      overhead = 0
    case (_, 0x0D):
      state = .sizeLF
    case (.size, 0x3B):
      state = .sizeExtension
    case (.size, _):
      guard let digit = byte.hexValue, remaining >> 48 == 0 else {
        throw RequestError(.badRequest, "malformed chunk size")
      }
      remaining = remaining << 4 | Int(digit)
    default:
      overhead += 1
      guard byte.isFieldValue, overhead <= longestExtension else {
        throw RequestError(.badRequest, "chunk extension malformed or too long")
      }
    }
  }

  private mutating func trailer(_ byte: UInt8, _ longest: Int) throws(RequestError) {
    overhead += 1
    guard overhead <= longest else { throw RequestError(.headerFieldsTooLarge, "trailers too long") }
    switch (state, byte) {
    case (.lastLF, _):
      try expect(byte, 0x0A, then: .ended, "trailers not ended by CRLF")
    case (.trailerLF, _):
      try expect(byte, 0x0A, then: .trailerStart, "trailer not ended by CRLF")
    case (.trailerStart, 0x0D):
      state = .lastLF
    case (.trailerName, 0x3A):
      state = .trailerValue
    case (.trailerValue, 0x0D):
      state = .trailerLF
    case (.trailerValue, _):
      guard byte.isFieldValue else { throw RequestError(.badRequest, "control character in a trailer") }
    default:
      guard byte.isToken else { throw RequestError(.badRequest, "malformed trailer name") }
      state = .trailerName
    }
  }
}
