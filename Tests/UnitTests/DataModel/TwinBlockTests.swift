import DataModel
import Testing

@Suite struct TwinBlockTests {
  @Test func `a block is what it was after encoding and decoding, whatever is in it`() throws {
    var random = SplitMix(seed: 1)
    for _ in 0..<500 {
      let block = Self.block(&random)
      let read = try TwinBlock(StoredBlock(key: block.key, bytes: block.encode()))
      #expect(read == block)
    }
  }

  @Test func `damaged bytes give an error or a block, never a crash, and an error names the block`() {
    var random = SplitMix(seed: 2)
    for _ in 0..<500 {
      var bytes = Self.block(&random).encode()
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        switch Int.random(in: 0...2, using: &random) {
        case 0: bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes.removeLast(min(bytes.count - 1, Int.random(in: 0...9, using: &random)))
        default: bytes.insert(UInt8.random(in: 0...255, using: &random), at: 0)
        }
      }
      do throws(TwinBlockError) {
        _ = try TwinBlock(StoredBlock(key: "Device.", bytes: bytes))
      } catch {
        #expect(error.key == "Device.")
      }
    }
  }

  @Test func `random bytes are no block`() {
    var random = SplitMix(seed: 3)
    for length in 0..<300 {
      let bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
      if bytes == [1, 0, 0] { continue }
      #expect(throws: TwinBlockError.self) { try TwinBlock(StoredBlock(key: "Device.", bytes: bytes)) }
    }
  }

  @Test func `a block of a later version says so`() {
    #expect(throws: TwinBlockError.self) { try TwinBlock(StoredBlock(key: "Device.", bytes: [2, 0, 0])) }
  }

  @Test func `a parameter that was learned with others takes little more than its name and value`() {
    let elements = (0..<30).map { number in
      var entry = TwinEntry()
      entry.value = .text("value \(number)")
      entry.type = .string
      entry.valueAt = 1_795_000_000_000
      return TwinBlock.Element(name: "Statistics.Counter\(number)", entry: entry)
    }
    #expect(TwinBlock(key: "Device.WiFi.", elements: elements).encode().count < 30 * 18)
  }

  static func block(_ random: inout SplitMix) -> TwinBlock {
    let count = Int.random(in: 0...40, using: &random)
    return TwinBlock(key: "Device.WiFi.", elements: (0..<count).map { _ in element(&random) })
  }

  private static func element(_ random: inout SplitMix) -> TwinBlock.Element {
    func flip() -> Bool { Bool.random(using: &random) }
    func text(_ length: Int) -> String {
      String(
        (0..<Int.random(in: 0...length, using: &random)).compactMap { _ in
          "aAäπ😀.1[]\n \u{301}".randomElement(using: &random)
        })
    }
    func moment() -> UnixMilliseconds {
      flip()
        ? 1_795_000_000_000 + UnixMilliseconds.random(in: 0...3, using: &random)
        : .random(in: .min ... .max, using: &random)
    }
    var entry = TwinEntry()
    if flip() {
      let fingerprint = (0..<Int.random(in: 0...64, using: &random)).map { _ in
        UInt8.random(in: 0...255, using: &random)
      }
      entry.value = flip() ? .text(text(300)) : .secret(fingerprint: fingerprint)
    }
    let types: [ParameterType] = [.string, .boolean, .decimal, .other(""), .other("xsd:json")]
    if flip() { entry.type = types.randomElement(using: &random) }
    if flip() { entry.valueAt = moment() }
    if flip() { entry.writable = flip() }
    if flip() { entry.writableAt = moment() }
    if flip() { entry.notification = .random(in: 0...6, using: &random) }
    if flip() { entry.accessList = flip() ? [] : ["Subscriber", text(5)] }
    if flip() { entry.attributesAt = moment() }
    if flip() { entry.childrenAt = moment() }
    if flip() {
      entry.unconfirmed = .init(
        digest: .random(in: 0 ... .max, using: &random), count: .random(in: 0...255, using: &random))
    }
    return TwinBlock.Element(name: text(30), entry: entry)
  }
}
