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
      #expect(try inflate(Inflater(.gzip, sizeLimit: 1 << 20, ratioLimit: 1000), packed, piece: piece) == text)
    }
  }

  @Test func `deflate is understood with and without zlib's header`() throws {
    // "hello hello hello" by zlib, and the same stream bare.
    let zlib: [UInt8] = [
      0x78, 0x9C, 0xCB, 0x48, 0xCD, 0xC9, 0xC9, 0x57, 0xC8, 0x40, 0x90, 0x00, 0x3A, 0x2E, 0x06, 0x7D,
    ]
    let expected = Array("hello hello hello".utf8)
    #expect(try inflate(Inflater(.deflate, sizeLimit: 100), zlib) == expected)
    #expect(try inflate(Inflater(.deflate, sizeLimit: 100), Array(zlib[2..<(zlib.count - 4)])) == expected)
  }

  @Test func `a bomb ends at its size or its ratio, not in memory`() throws {
    let zeros = [UInt8](repeating: 0, count: 4 << 20)
    let bomb = try #require(Deflater.gzip(zeros))
    #expect(throws: RequestError.self) { try inflate(Inflater(.gzip, sizeLimit: 64 << 20), bomb) }
    let inflater = Inflater(.gzip, sizeLimit: 100_000, ratioLimit: .max)
    #expect(throws: RequestError.self) { try inflate(inflater, bomb) }
    #expect(inflater.outputBytes < 200_000)
  }

  @Test func `data that is cut short, damaged or followed by more is 400`() throws {
    let packed = try #require(Deflater.gzip(text))
    var damaged = packed
    damaged[packed.count - 6] ^= 1
    for bytes in [Array(packed.dropLast()), damaged, packed + [0], Array("no gzip".utf8)] {
      #expect(throws: RequestError.self) { try inflate(Inflater(.gzip, sizeLimit: 1 << 20, ratioLimit: 1000), bytes) }
    }
  }

  @Test func `codings are known by their names, others are not`() {
    #expect(Inflater.Coding(contentEncoding: "GZIP") == .gzip)
    #expect(Inflater.Coding(contentEncoding: "deflate") == .deflate)
    #expect(Inflater.Coding(contentEncoding: "br") == nil)
    #expect(Inflater.Coding(contentEncoding: "gzip, gzip") == nil)
  }
}
