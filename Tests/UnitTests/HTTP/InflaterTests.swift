import HTTP
import Testing

private func inflate(
  _ inflater: Inflater, _ bytes: [UInt8], piece: Int = .max
) throws(RequestError) -> [UInt8] {
  var output: [UInt8] = []
  var start = 0
  while start < bytes.count {
    let end = piece < bytes.count - start ? start + piece : bytes.count
    try inflater.inflate(bytes.span.extracting(start..<end)) { span in
      for index in 0..<span.count { output.append(span[index]) }
    }
    start = end
  }
  try inflater.finish()
  return output
}

@Suite struct InflaterTests {
  private let text = Array(String(repeating: "<ParameterValueStruct>é</ParameterValueStruct>", count: 500).utf8)

  @Test func `gzip comes back as it was, whatever the pieces`() throws {
    let packed = try #require(Deflater.gzip(text))
    #expect(packed.count < text.count / 10)
    for piece in [1, 7, 100_000] {
      #expect(try inflate(Inflater(sizeLimit: 1 << 20, ratioLimit: 1000), packed, piece: piece) == text)
    }
  }

  @Test func `a bomb ends at its size or its ratio, not in memory`() throws {
    let zeros = [UInt8](repeating: 0, count: 4 << 20)
    let bomb = try #require(Deflater.gzip(zeros))
    #expect(throws: RequestError.self) { try inflate(Inflater(sizeLimit: 64 << 20), bomb) }
    let inflater = Inflater(sizeLimit: 100_000, ratioLimit: .max)
    #expect(throws: RequestError.self) { try inflate(inflater, bomb) }
    #expect(inflater.outputBytes < 200_000)
  }

  @Test func `data that is cut short, damaged or followed by more is 400`() throws {
    let packed = try #require(Deflater.gzip(text))
    var damaged = packed
    damaged[packed.count - 6] ^= 1
    for bytes in [Array(packed.dropLast()), damaged, packed + [0], Array("no gzip".utf8)] {
      #expect(throws: RequestError.self) { try inflate(Inflater(sizeLimit: 1 << 20, ratioLimit: 1000), bytes) }
    }
  }
}
