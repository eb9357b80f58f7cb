import EventLog

/// librdkafka's configuration, in its own names. The figures are section 7's, measured there.
extension KafkaSettings {
  typealias Properties = [(name: String, value: String)]

  private var largest: Int { 16 * 1024 * 1024 }

  /// What every handle needs.
  var commonProperties: Properties {
    var properties: Properties = [
      ("bootstrap.servers", bootstrapServers.joined(separator: ",")),
      ("client.id", clientID),
      ("log.queue", "true"),
      ("socket.keepalive.enable", "true"),
      ("socket.nagle.disable", "true"),
      // A broker that hangs is left after so long, and its partitions' new leaders are looked for; 60 s by default.
      ("socket.timeout.ms", "6000"),
      ("reconnect.backoff.ms", "100"),
      ("reconnect.backoff.max.ms", "2000"),
      ("message.max.bytes", String(largest)),
      ("receive.message.max.bytes", String(2 * largest + 1024)),
      ("security.protocol", (sasl == nil ? "" : "sasl_") + (tls == nil ? "plaintext" : "ssl")),
    ]
    if let tls {
      let files = [
        ("ssl.ca.location", tls.authorities), ("ssl.certificate.location", tls.certificate),
        ("ssl.key.location", tls.key), ("ssl.key.password", tls.keyPassword),
      ]
      for (name, value) in files { if let value { properties.append((name, value)) } }
      properties.append(("ssl.endpoint.identification.algorithm", "https"))
    }
    if let sasl {
      properties.append(("sasl.mechanisms", sasl.mechanism.rawValue))
      properties.append(("sasl.username", sasl.username))
      properties.append(("sasl.password", sasl.password))
    }
    return properties
  }

  /// The producer's. Idempotence implies acks=all, for transient topics too: their `min.insync.replicas` is 1.
  var producerProperties: Properties {
    commonProperties + [
      ("enable.idempotence", "true"),
      ("linger.ms", "10"),
      ("compression.codec", "lz4"),
      ("message.timeout.ms", String(messageTimeout.wholeMilliseconds)),
      ("queue.buffering.max.messages", "100000"),
      ("queue.buffering.max.kbytes", "262144"),
    ]
  }

  /// The consumer's: read by `assign()`, no group's offsets, never a silent reset.
  var consumerProperties: Properties {
    commonProperties + [
      ("group.id", prefix + group),
      ("enable.auto.commit", "false"),
      ("enable.auto.offset.store", "false"),
      ("auto.offset.reset", "error"),
      ("enable.partition.eof", "false"),
      ("fetch.min.bytes", "65536"),
      ("fetch.wait.max.ms", "10"),
      ("fetch.max.bytes", String(largest)),
      ("fetch.error.backoff.ms", "100"),
      // Of each partition, since each is drained through its own queue: what bounds a partition whose reader is full.
      ("queued.min.messages", "2000"),
      ("queued.max.messages.kbytes", "8192"),
    ]
  }
}

extension Duration {
  /// Rounded down.
  var wholeMilliseconds: Int64 { components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000 }
}
