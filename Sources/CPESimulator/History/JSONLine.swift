/// One JSON object in a line, written by hand.
struct JSONLine {
  private var bytes: [UInt8] = []

  init(_ what: String, _ identity: CPEIdentity, at milliseconds: Int64) {
    bytes.append(UInt8(ascii: "{"))
    add("at", Int(milliseconds))
    add("cpe", identity.name)
    add("what", what)
  }

  mutating func add(_ name: String, _ value: Int) {
    key(name)
    bytes.append(contentsOf: String(value).utf8)
  }

  mutating func add(_ name: String, _ value: String) {
    key(name)
    string(value)
  }

  mutating func add(_ name: String, _ values: [String]) {
    key(name)
    list(UInt8(ascii: "["), UInt8(ascii: "]"), values.count) { writer, index in writer.string(values[index]) }
  }

  mutating func add(_ name: String, _ values: [String: String]) {
    key(name)
    let sorted = values.sorted { $0.key < $1.key }
    list(UInt8(ascii: "{"), UInt8(ascii: "}"), sorted.count) { writer, index in
      writer.string(sorted[index].key)
      writer.bytes.append(UInt8(ascii: ":"))
      writer.string(sorted[index].value)
    }
  }

  var finished: [UInt8] { bytes + Array("}\n".utf8) }

  private mutating func key(_ name: String) {
    if bytes.count > 1 { bytes.append(UInt8(ascii: ",")) }
    string(name)
    bytes.append(UInt8(ascii: ":"))
  }

  private mutating func list(
    _ open: UInt8, _ close: UInt8, _ count: Int, _ item: (inout JSONLine, Int) -> Void
  ) {
    bytes.append(open)
    for index in 0..<count {
      if index > 0 { bytes.append(UInt8(ascii: ",")) }
      item(&self, index)
    }
    bytes.append(close)
  }

  private mutating func string(_ text: String) {
    bytes.append(UInt8(ascii: "\""))
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        bytes.append(UInt8(ascii: "\\"))
        bytes.append(byte)
      case 0..<0x20:
        bytes.append(contentsOf: "\\u00\(byte < 16 ? "0" : "")\(String(byte, radix: 16))".utf8)
      default: bytes.append(byte)
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }
}
