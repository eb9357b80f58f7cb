import EventLog
import Testing

@testable import Kafka

struct KafkaSettingsTests {
  private let scramReady: Int32 = 0x0206_01ff

  private func refusal(_ change: (inout KafkaSettings) -> Void, libraryVersion: Int32 = 0x0200_02ff) -> String? {
    var settings = KafkaSettings(bootstrapServers: ["kafka:9092"])
    change(&settings)
    do {
      try settings.validate(libraryVersion: libraryVersion)
      return nil
    } catch {
      #expect(error.kind == .misconfigured)
      return error.description
    }
  }

  @Test func `the defaults are three replicas, two in sync, and pass`() {
    #expect(refusal { _ in } == nil)
  }

  @Test func `SCRAM with librdkafka before 2_6_1 is refused with the reason`() throws {
    let user = KafkaSettings.SASL(mechanism: .scramSHA512, username: "u", password: "secret")
    let reason = try #require(refusal { $0.sasl = user })
    #expect(reason.contains("2.6.1") && reason.contains("2.0.2") && !reason.contains("secret"))
    #expect(refusal({ $0.sasl = user }, libraryVersion: scramReady) == nil)
  }

  @Test func `PLAIN without TLS is refused`() throws {
    let user = KafkaSettings.SASL(mechanism: .plain, username: "u", password: "p")
    #expect(refusal { $0.sasl = user } != nil)
    #expect(
      refusal {
        $0.sasl = user
        $0.tls = KafkaSettings.TLS()
      } == nil)
  }

  @Test func `fewer replicas must be allowed by name`() {
    #expect(
      refusal {
        $0.replicationFactor = 1
        $0.minimumInSyncReplicas = 1
      } != nil)
    #expect(
      refusal {
        $0.replicationFactor = 1
        $0.minimumInSyncReplicas = 1
        $0.allowsFewReplicas = true
      } == nil)
    #expect(refusal { $0.minimumInSyncReplicas = 4 } != nil)
  }

  @Test func `topics of ours carry the incarnation in their name, northbound ones do not`() {
    var settings = KafkaSettings(bootstrapServers: ["kafka:9092"])
    settings.incarnation = 3
    settings.prefix = "eu-"
    #expect(settings.name(of: .messages) == "eu-cwmp.messages.3")
    #expect(settings.name(of: .deviceEvents) == "eu-carillon.device-events")
  }

  @Test func `the producer is idempotent and the consumer never resets or commits by itself`() {
    let settings = KafkaSettings(bootstrapServers: ["a:1", "b:2"])
    func value(_ name: String, _ properties: KafkaSettings.Properties) -> String? {
      properties.last { $0.name == name }?.value
    }
    #expect(value("bootstrap.servers", settings.producerProperties) == "a:1,b:2")
    #expect(value("enable.idempotence", settings.producerProperties) == "true")
    #expect(value("message.max.bytes", settings.producerProperties) == "16777216")
    #expect(value("auto.offset.reset", settings.consumerProperties) == "error")
    #expect(value("enable.auto.commit", settings.consumerProperties) == "false")
    #expect(value("security.protocol", settings.consumerProperties) == "plaintext")
  }

  @Test func `records are compressed by the producer, kept so by the broker, and 16 MiB large at most`() {
    let settings = KafkaSettings(bootstrapServers: ["kafka:9092"])
    #expect(settings.producerProperties.contains { $0 == ("compression.codec", "lz4") })
    let topic = KafkaTopics.configuration(of: .messages, settings)
    #expect(topic.contains { $0 == ("compression.type", "producer") })
    #expect(topic.contains { $0 == ("max.message.bytes", "16777216") })
  }

  @Test func `a directive needs one replica in sync, for its loss costs one repeated ready`() {
    let settings = KafkaSettings(bootstrapServers: ["a:1"])
    let names = KafkaTopics.configuration(of: .directives, settings)
    #expect(names.contains { $0 == ("min.insync.replicas", "1") })
    #expect(names.contains { $0 == ("retention.ms", "600000") })
    #expect(KafkaTopics.configuration(of: .messages, settings).contains { $0 == ("min.insync.replicas", "2") })
  }

  @Test func `a record's opaque value holds its producer and slot`() {
    let opaque = KafkaOpaque(producer: 65_535, slot: 0xffff_ffff_fffe)
    #expect(KafkaOpaque(bits: opaque.bits).producer == 65_535)
    #expect(KafkaOpaque(bits: opaque.bits).slot == 0xffff_ffff_fffe)
  }
}
