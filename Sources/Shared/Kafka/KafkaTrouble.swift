import CRdKafka

/// What librdkafka tells of besides records.
enum KafkaTrouble {
  /// An error or log event as one line; nil for what needs nobody's attention (below warnings).
  static func line(of event: OpaquePointer) -> String? {
    if rd_kafka_event_type(event) == RD_KAFKA_EVENT_LOG {
      var facility: UnsafePointer<CChar>?
      var text: UnsafePointer<CChar>?
      var level: CInt = 0
      guard rd_kafka_event_log(event, &facility, &text, &level) == 0, level <= 4, let text else { return nil }
      return "kafka: \(String(cString: text))"
    }
    guard let text = rd_kafka_event_error_string(event) else { return nil }
    return "kafka: \(String(cString: text))"
  }
}
