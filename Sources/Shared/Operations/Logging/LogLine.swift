/// One JSON line while it is written: bytes appended, nothing boxed.
public struct LogLine: ~Copyable {
  /// Longer texts are cut, so that no input can fill the log.
  public static let textLimit = 2048
  var bytes: [UInt8]

  init(level: LogLevel, message: StaticString, context: [UInt8], unixMilliseconds: Int64) {
    bytes = []
    bytes.reserveCapacity(256)
    bytes.append(ascii: "{\"time\":\"")
    RFC3339.append(unixMilliseconds, to: &bytes)
    bytes.append(ascii: "\",\"level\":\"")
    bytes.append(contentsOf: level.name.utf8)
    bytes.append(UInt8(ascii: "\""))
    bytes.append(contentsOf: context)
    bytes.append(ascii: ",\"message\":\"")
    bytes.append(ascii: message)
    bytes.append(UInt8(ascii: "\""))
  }

  mutating func finish() {
    bytes.append(ascii: "}\n")
  }

  private mutating func begin(_ key: LogKey) {
    bytes.append(ascii: ",\"")
    bytes.append(ascii: key.name)
    bytes.append(ascii: "\":")
  }

  /// Adds a text, escaped, and cut at ``textLimit`` bytes.
  public mutating func add(_ key: LogKey, _ text: String) {
    begin(key)
    JSONText.append(text, limit: Self.textLimit, to: &bytes)
  }

  /// Adds a text where there is one.
  public mutating func add(_ key: LogKey, _ text: String?) {
    if let text { add(key, text) }
  }

  /// Adds a number.
  public mutating func add(_ key: LogKey, _ number: some BinaryInteger) {
    begin(key)
    bytes.append(contentsOf: String(number).utf8)
  }

  /// Adds a truth.
  public mutating func add(_ key: LogKey, _ truth: Bool) {
    begin(key)
    bytes.append(ascii: truth ? "true" : "false")
  }

  /// Adds what a value says of itself. Errors' descriptions hold no secrets (a rule of this code base).
  public mutating func add(_ key: LogKey, describing value: some CustomStringConvertible) {
    add(key, value.description)
  }

  /// Adds an error.
  public mutating func add(_ error: any Error) {
    add(.error, String(describing: error))
  }
}

extension [UInt8] {
  mutating func append(ascii text: StaticString) {
    text.withUTF8Buffer { append(contentsOf: $0) }
  }
}
