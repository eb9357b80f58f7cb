import CRdKafka
import EventLog
import Networking

/// One `rd_kafka_t`: a producer, a consumer or an administrator.
///
/// `@unchecked Sendable`, because: every stored property is set in `init` and never changes, and librdkafka's functions
/// may be called from any thread on one handle (INTRODUCTION.md, "Threads and callbacks").
final class KafkaClient: @unchecked Sendable {
  enum Kind {
    case producer, consumer, administrator
  }

  let raw: OpaquePointer
  /// Errors, log lines and, of a producer, delivery reports.
  let events: OpaquePointer
  private let topics: [OpaquePointer?]
  private let threads: KafkaThreads

  /// Makes the handle; its threads connect by themselves.
  /// - Throws: ``EventLogError/Kind/misconfigured`` with librdkafka's words; they name the property.
  init(_ kind: Kind, _ settings: KafkaSettings, _ threads: KafkaThreads) throws(EventLogError) {
    let properties =
      switch kind {
      case .producer: settings.producerProperties
      case .consumer: settings.consumerProperties
      case .administrator: settings.commonProperties
      }
    let configuration = try Self.configuration(properties)
    rd_kafka_conf_set_events(configuration, RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_LOG)
    var reason = [CChar](repeating: 0, count: 512)
    let type = kind == .consumer ? RD_KAFKA_CONSUMER : RD_KAFKA_PRODUCER
    guard let raw = rd_kafka_new(type, configuration, &reason, reason.count) else {
      rd_kafka_conf_destroy(configuration)
      throw EventLogError(.misconfigured, "kafka: \(Self.text(reason))")
    }
    self.raw = raw
    self.threads = threads
    if kind == .consumer {
      rd_kafka_poll_set_consumer(raw)
      events = rd_kafka_queue_get_consumer(raw)
    } else {
      events = rd_kafka_queue_get_main(raw)
    }
    rd_kafka_set_log_queue(raw, events)
    var topics = [OpaquePointer?](repeating: nil, count: Topic.allCases.count + 1)
    if kind == .producer {
      for topic in Topic.allCases {
        topics[Int(topic.rawValue)] = rd_kafka_topic_new(raw, settings.name(of: topic), nil)
      }
    }
    self.topics = topics
  }

  deinit {
    for topic in topics { if let topic { rd_kafka_topic_destroy(topic) } }
    rd_kafka_queue_destroy(events)
    // Joins librdkafka's threads: never on a loop.
    threads.destroy(UInt(bitPattern: raw))
  }

  /// Hands a record to librdkafka, which copies it.
  func produce(_ record: OutgoingRecord, opaque: UInt) -> rd_kafka_resp_err_t {
    let index = Int(record.partition.topic.rawValue)
    guard index < topics.count, let topic = topics[index] else { return RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC }
    let headers = record.headers.native()
    let result = record.key.withUnsafeBytes { key in
      record.value.withUnsafeBytes { value in
        carillon_kafka_produce(
          raw, topic, record.partition.number, key.baseAddress, key.count, value.baseAddress, value.count, headers,
          UnsafeMutableRawPointer(bitPattern: opaque))
      }
    }
    if result != RD_KAFKA_RESP_ERR_NO_ERROR, let headers { rd_kafka_headers_destroy(headers) }
    return result
  }

  /// Blocks for a moment, serving the handle's events: for threads that may wait.
  func pause(milliseconds: Int32) {
    if let event = rd_kafka_queue_poll(events, milliseconds) { rd_kafka_event_destroy(event) }
  }

  /// The error after which the handle can only be replaced, in words; nil while there is none.
  var fatalError: String? {
    var reason = [CChar](repeating: 0, count: 512)
    guard rd_kafka_fatal_error(raw, &reason, reason.count) != RD_KAFKA_RESP_ERR_NO_ERROR else { return nil }
    return Self.text(reason)
  }

  private static func configuration(_ properties: KafkaSettings.Properties) throws(EventLogError) -> OpaquePointer {
    guard let configuration = rd_kafka_conf_new() else { throw EventLogError(.misconfigured, "kafka: out of memory") }
    for (name, value) in properties {
      var reason = [CChar](repeating: 0, count: 512)
      guard rd_kafka_conf_set(configuration, name, value, &reason, reason.count) == RD_KAFKA_CONF_OK else {
        rd_kafka_conf_destroy(configuration)
        throw EventLogError(.misconfigured, "kafka: \(text(reason))")
      }
    }
    return configuration
  }

  static func text(_ characters: [CChar]) -> String {
    String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
