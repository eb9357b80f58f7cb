import CRdKafka
import EventLog

extension EventLogError {
  /// librdkafka's error as one of ours.
  /// - Parameter operation: what was tried and on what.
  init(_ error: rd_kafka_resp_err_t, _ operation: String) {
    self.init(Self.kind(of: error), "\(operation): \(String(cString: rd_kafka_err2str(error)))")
  }

  /// An error object of librdkafka, which is freed.
  init(_ error: OpaquePointer, _ operation: String) {
    let text = String(cString: rd_kafka_error_string(error))
    let kind = Self.kind(of: rd_kafka_error_code(error))
    rd_kafka_error_destroy(error)
    self.init(kind, "\(operation): \(text)")
  }

  private static func kind(of error: rd_kafka_resp_err_t) -> Kind {
    switch error {
    case RD_KAFKA_RESP_ERR__QUEUE_FULL: .full
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE: .tooLarge
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION,
      RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
      RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_INVALID_REQUIRED_ACKS,
      RD_KAFKA_RESP_ERR__INVALID_ARG:
      .misconfigured
    case RD_KAFKA_RESP_ERR__DESTROY: .stopped
    default: .unavailable
    }
  }
}
