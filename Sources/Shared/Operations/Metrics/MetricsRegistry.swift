import Synchronization

/// All metrics of the process, rendered for Prometheus.
///
/// Each call of `counter`, `gauge` or `histogram` makes a new shard: a loop asks once for its own and is the only one
/// to write it; shards of the same name and labels are added up at the scrape. So there is no lock and no shared cache
/// line on a hot path. Names are `carillon_…`; labels have few values, never a device.
public final class MetricsRegistry: Sendable {
  struct Series {
    /// `name{label="value"` without the closing brace, so that `le` can follow.
    var labels: [UInt8]
    var shards: [any MetricShard] = []
  }

  struct Family {
    let name: String
    let help: String
    let type: StaticString
    var series: [Series] = []
  }

  private let families = Mutex<[String: Family]>([:])

  /// A registry without metrics.
  public init() {}

  /// A counter's shard. By convention its name ends in `_total`.
  public func counter(_ name: String, _ help: String, _ labels: MetricLabels = [:]) -> Counter {
    let shard = Counter()
    register(shard, type: "counter", name, help, labels)
    return shard
  }

  /// One counter's shard for each value of a label, in the values' order.
  public func counters(_ name: String, _ help: String, label: String, values: [String]) -> [Counter] {
    values.map { counter(name, help, [label: $0]) }
  }

  /// A gauge's shard; shards are added up.
  public func gauge(_ name: String, _ help: String, _ labels: MetricLabels = [:]) -> Gauge {
    let shard = Gauge()
    register(shard, type: "gauge", name, help, labels)
    return shard
  }

  /// A gauge that is asked at each scrape, on the scraper's thread.
  public func gauge(
    _ name: String, _ help: String, _ labels: MetricLabels = [:], read: @escaping @Sendable () -> Double
  ) {
    register(ReadShard(read: read), type: "gauge", name, help, labels)
  }

  /// A counter that is asked at each scrape, on the scraper's thread.
  public func counter(
    _ name: String, _ help: String, _ labels: MetricLabels = [:], read: @escaping @Sendable () -> Double
  ) {
    register(ReadShard(read: read), type: "counter", name, help, labels)
  }

  /// A histogram's shard. By convention a name of times ends in `_seconds`, one of sizes in `_bytes`.
  public func histogram(
    _ name: String, _ help: String, _ labels: MetricLabels = [:], buckets: HistogramBuckets = .latency
  ) -> Histogram {
    let shard = Histogram(buckets)
    register(shard, type: "histogram", name, help, labels)
    return shard
  }

  private func register(
    _ shard: some MetricShard, type: StaticString, _ name: String, _ help: String, _ labels: MetricLabels
  ) {
    let rendered = labels.rendered
    families.withLock { families in
      var family = families[name] ?? Family(name: name, help: help, type: type)
      if let index = family.series.firstIndex(where: { $0.labels == rendered }) {
        family.series[index].shards.append(shard)
      } else {
        family.series.append(Series(labels: rendered, shards: [shard]))
      }
      families[name] = family
    }
  }

  /// All metrics in the Prometheus text format, version 0.0.4, in order of their names.
  public func render() -> [UInt8] {
    let all = families.withLock { Array($0.values) }.sorted { $0.name < $1.name }
    var output: [UInt8] = []
    output.reserveCapacity(16 << 10)
    for family in all {
      output.append(contentsOf: "# HELP \(family.name) \(family.help)\n# TYPE \(family.name) \(family.type)\n".utf8)
      for series in family.series {
        MetricText(name: family.name, labels: series.labels).append(series.shards, to: &output)
      }
    }
    return output
  }

  /// The content type of ``render()``.
  public static let contentType = "text/plain; version=0.0.4; charset=utf-8"
}
