import CRdKafka
import EventLog

/// Kafka's administration, one blocking call at a time: for the threads of ``KafkaThreads`` only.
struct KafkaAdmin {
  /// One entry of a topic's configuration.
  struct Entry {
    var name: String
    var value: String?
    /// Set for this topic, and so lost by an AlterConfigs that does not repeat it.
    var isSet: Bool
  }

  /// A topic to make.
  struct NewTopic {
    var name: String
    var partitions: Int32
    var replicas: Int32
    var configuration: [(name: String, value: String)]
  }

  private static let patience: Int32 = 30_000
  private let client: KafkaClient

  init(_ client: KafkaClient) { self.client = client }

  /// Makes a topic.
  /// - Returns: false if it was there already.
  func create(_ topic: NewTopic) throws(EventLogError) -> Bool {
    var reason = [CChar](repeating: 0, count: 512)
    guard let new = rd_kafka_NewTopic_new(topic.name, topic.partitions, topic.replicas, &reason, reason.count) else {
      throw EventLogError(.misconfigured, "make topic \(topic.name): \(KafkaClient.text(reason))")
    }
    defer { rd_kafka_NewTopic_destroy(new) }
    for (name, value) in topic.configuration { rd_kafka_NewTopic_set_config(new, name, value) }
    var list: [OpaquePointer?] = [new]
    return try ask(
      "make topic \(topic.name)", RD_KAFKA_EVENT_CREATETOPICS_RESULT, RD_KAFKA_ADMIN_OP_CREATETOPICS,
      { rd_kafka_CreateTopics(client.raw, &list, 1, $0, $1) },
      { event throws(EventLogError) in
        var count = 0
        let results = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count)
        let result = count > 0 ? results?[0] : nil
        let error = rd_kafka_topic_result_error(result)
        if error == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS { return false }
        guard error == RD_KAFKA_RESP_ERR_NO_ERROR else {
          let detail = rd_kafka_topic_result_error_string(result).map { ": " + String(cString: $0) } ?? ""
          throw EventLogError(error, "make topic \(topic.name)\(detail)")
        }
        return true
      })
  }

  /// Gives a topic more partitions, `total` in all.
  func grow(_ topic: String, to total: Int32) throws(EventLogError) {
    var reason = [CChar](repeating: 0, count: 512)
    guard let new = rd_kafka_NewPartitions_new(topic, Int(total), &reason, reason.count) else {
      throw EventLogError(.misconfigured, "add partitions to topic \(topic): \(KafkaClient.text(reason))")
    }
    defer { rd_kafka_NewPartitions_destroy(new) }
    var list: [OpaquePointer?] = [new]
    try ask(
      "add partitions to topic \(topic)", RD_KAFKA_EVENT_CREATEPARTITIONS_RESULT, RD_KAFKA_ADMIN_OP_CREATEPARTITIONS,
      { rd_kafka_CreatePartitions(client.raw, &list, 1, $0, $1) },
      { event throws(EventLogError) in
        var count = 0
        let results = rd_kafka_CreatePartitions_result_topics(rd_kafka_event_CreatePartitions_result(event), &count)
        let error = rd_kafka_topic_result_error(count > 0 ? results?[0] : nil)
        guard error == RD_KAFKA_RESP_ERR_NO_ERROR else { throw EventLogError(error, "add partitions to \(topic)") }
      })
  }

  /// All of a topic's configuration.
  func configuration(of topic: String) throws(EventLogError) -> [Entry] {
    guard let resource = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic) else { return [] }
    defer { rd_kafka_ConfigResource_destroy(resource) }
    var list: [OpaquePointer?] = [resource]
    return try ask(
      "read the configuration of topic \(topic)", RD_KAFKA_EVENT_DESCRIBECONFIGS_RESULT,
      RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS,
      { rd_kafka_DescribeConfigs(client.raw, &list, 1, $0, $1) },
      { event throws(EventLogError) in
        var count = 0
        let results = rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(event), &count)
        return try Self.entries(count > 0 ? results?[0] : nil, topic)
      })
  }

  /// Replaces all that is set for a topic: `AlterConfigs` resets what it is not given.
  func replaceConfiguration(of topic: String, _ entries: [(name: String, value: String)]) throws(EventLogError) {
    guard let resource = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic) else { return }
    defer { rd_kafka_ConfigResource_destroy(resource) }
    for (name, value) in entries { rd_kafka_ConfigResource_set_config(resource, name, value) }
    var list: [OpaquePointer?] = [resource]
    try ask(
      "configure topic \(topic)", RD_KAFKA_EVENT_ALTERCONFIGS_RESULT, RD_KAFKA_ADMIN_OP_ALTERCONFIGS,
      { rd_kafka_AlterConfigs(client.raw, &list, 1, $0, $1) },
      { event throws(EventLogError) in
        var count = 0
        let results = rd_kafka_AlterConfigs_result_resources(rd_kafka_event_AlterConfigs_result(event), &count)
        try Self.check(count > 0 ? results?[0] : nil, "configure topic \(topic)")
      })
  }

  /// Removes topics with their records: for tests.
  func delete(_ topic: String) throws(EventLogError) {
    guard let gone = rd_kafka_DeleteTopic_new(topic) else { return }
    defer { rd_kafka_DeleteTopic_destroy(gone) }
    var list: [OpaquePointer?] = [gone]
    try ask(
      "delete topic \(topic)", RD_KAFKA_EVENT_DELETETOPICS_RESULT, RD_KAFKA_ADMIN_OP_DELETETOPICS,
      { rd_kafka_DeleteTopics(client.raw, &list, 1, $0, $1) }, { _ in })
  }

  /// Removes the records of a partition before `offset`: for tests, and for who must make room by hand.
  func deleteRecords(of topic: String, _ partition: Int32, before offset: Int64) throws(EventLogError) {
    let partitions = rd_kafka_topic_partition_list_new(1)
    defer { rd_kafka_topic_partition_list_destroy(partitions) }
    rd_kafka_topic_partition_list_add(partitions, topic, partition)?.pointee.offset = offset
    guard let gone = rd_kafka_DeleteRecords_new(partitions) else { return }
    defer { rd_kafka_DeleteRecords_destroy(gone) }
    var list: [OpaquePointer?] = [gone]
    try ask(
      "delete records of \(topic)/\(partition)", RD_KAFKA_EVENT_DELETERECORDS_RESULT, RD_KAFKA_ADMIN_OP_DELETERECORDS,
      { rd_kafka_DeleteRecords(client.raw, &list, 1, $0, $1) }, { _ in })
  }

  // MARK: - Asking

  /// Sends one request and waits for its result.
  private func ask<Success>(
    _ operation: String, _ type: Int32, _ kind: rd_kafka_admin_op_t,
    _ send: (_ options: OpaquePointer?, _ queue: OpaquePointer?) -> Void,
    _ read: (OpaquePointer) throws(EventLogError) -> Success
  ) throws(EventLogError) -> Success {
    let options = rd_kafka_AdminOptions_new(client.raw, kind)
    defer { rd_kafka_AdminOptions_destroy(options) }
    var reason = [CChar](repeating: 0, count: 256)
    rd_kafka_AdminOptions_set_request_timeout(options, Self.patience, &reason, reason.count)
    let queue = rd_kafka_queue_new(client.raw)
    defer { rd_kafka_queue_destroy(queue) }
    send(options, queue)
    guard let event = rd_kafka_queue_poll(queue, Self.patience + 5000) else {
      throw EventLogError(.unavailable, "\(operation): no answer within \(Self.patience / 1000) s")
    }
    defer { rd_kafka_event_destroy(event) }
    let error = rd_kafka_event_error(event)
    guard error == RD_KAFKA_RESP_ERR_NO_ERROR, rd_kafka_event_type(event) == type else {
      throw EventLogError(error, operation)
    }
    return try read(event)
  }

  private static func check(_ resource: OpaquePointer?, _ operation: String) throws(EventLogError) {
    let error = rd_kafka_ConfigResource_error(resource)
    guard error == RD_KAFKA_RESP_ERR_NO_ERROR else {
      let detail = rd_kafka_ConfigResource_error_string(resource).map { ": " + String(cString: $0) } ?? ""
      throw EventLogError(error, operation + detail)
    }
  }

  private static func entries(_ resource: OpaquePointer?, _ topic: String) throws(EventLogError) -> [Entry] {
    try check(resource, "read the configuration of topic \(topic)")
    var count = 0
    let entries = rd_kafka_ConfigResource_configs(resource, &count)
    return (0..<count).compactMap { index in
      guard let entry = entries?[index], let name = rd_kafka_ConfigEntry_name(entry) else { return nil }
      return Entry(
        name: String(cString: name), value: rd_kafka_ConfigEntry_value(entry).map { String(cString: $0) },
        isSet: rd_kafka_ConfigEntry_source(entry) == RD_KAFKA_CONFIG_SOURCE_DYNAMIC_TOPIC_CONFIG)
    }
  }
}
