/// Labels of a series, in the order written; names are constants of the code, values are escaped.
public struct MetricLabels: ExpressibleByDictionaryLiteral, Sendable {
  private let pairs: [(name: String, value: String)]

  /// Labels of name and value pairs.
  public init(dictionaryLiteral elements: (String, String)...) {
    pairs = elements.map { (name: $0.0, value: $0.1) }
  }

  /// `a="x",b="y"`, rendered once when the series is registered.
  var rendered: [UInt8] {
    var output: [UInt8] = []
    for pair in pairs {
      if !output.isEmpty { output.append(UInt8(ascii: ",")) }
      output.append(contentsOf: pair.name.utf8)
      output.append(ascii: "=\"")
      for byte in pair.value.utf8 {
        switch byte {
        case UInt8(ascii: "\\"): output.append(ascii: "\\\\")
        case UInt8(ascii: "\""): output.append(ascii: "\\\"")
        case 0x0A: output.append(ascii: "\\n")
        default: output.append(byte)
        }
      }
      output.append(UInt8(ascii: "\""))
    }
    return output
  }
}
