import CRdKafka
import EventLog

extension RecordHeaders {
  /// The same as librdkafka's headers; nil where there are none. The caller frees them unless they were produced.
  func native() -> OpaquePointer? {
    guard !bytes.isEmpty, let list = rd_kafka_headers_new(16) else { return nil }
    each { name, value in
      name.withUnsafeBytes { name in
        value.withUnsafeBytes { value in
          _ = rd_kafka_header_add(
            list, name.baseAddress?.assumingMemoryBound(to: CChar.self), name.count, value.baseAddress, value.count)
        }
      }
    }
    return list
  }

  /// The headers of a message as it was read.
  init(native message: UnsafePointer<rd_kafka_message_t>) {
    self.init()
    var list: OpaquePointer?
    guard rd_kafka_message_headers(message, &list) == RD_KAFKA_RESP_ERR_NO_ERROR, let list else { return }
    var index = 0
    var name: UnsafePointer<CChar>?
    var value: UnsafeRawPointer?
    var length = 0
    while rd_kafka_header_get_all(list, index, &name, &value, &length) == RD_KAFKA_RESP_ERR_NO_ERROR {
      if let name {
        append(
          nameBytes: UnsafeRawBufferPointer(start: name, count: cLength(name)),
          UnsafeRawBufferPointer(start: value, count: value == nil ? 0 : length))
      }
      index += 1
    }
  }

  private func cLength(_ text: UnsafePointer<CChar>) -> Int {
    var length = 0
    while text[length] != 0 { length += 1 }
    return length
  }
}

extension [UInt8] {
  /// A key or value of librdkafka's; a null one, which is legal, is empty.
  init(_ start: UnsafeMutableRawPointer?, _ count: Int) {
    guard let start else {
      self = []
      return
    }
    self.init(UnsafeRawBufferPointer(start: start, count: count))
  }
}
