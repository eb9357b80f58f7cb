import CRdKafka
import EventLog

/// Faults that tests inject.
extension KafkaLog {
  /// Has librdkafka raise a fatal error, as it does when its sequence and the brokers' disagree.
  func injectFatalError() async {
    guard let client = await home.present else { return }
    rd_kafka_test_fatal_error(client.raw, RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, "injected by a test")
  }
}
