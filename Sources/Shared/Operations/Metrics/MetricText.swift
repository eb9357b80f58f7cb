/// One series in the Prometheus text format.
struct MetricText {
  let name: String
  let labels: [UInt8]

  func append(_ shards: [any MetricShard], to output: inout [UInt8]) {
    if let histograms = shards as? [Histogram], let first = histograms.first {
      append(histograms, first.buckets, to: &output)
      return
    }
    var whole: Int64 = 0
    var real = 0.0
    for shard in shards {
      switch shard {
      case let counter as Counter: whole &+= Int64(truncatingIfNeeded: counter.value)
      case let gauge as Gauge: whole &+= gauge.value
      case let read as ReadShard: real += read.read()
      default: break
      }
    }
    line("", extra: "", value: real == 0 ? "\(whole)" : Self.number(real + Double(whole)), to: &output)
  }

  private func append(_ shards: [Histogram], _ buckets: HistogramBuckets, to output: inout [UInt8]) {
    var counts = [UInt64](repeating: 0, count: buckets.bounds.count + 1)
    var sum = 0.0
    for shard in shards {
      for (index, count) in shard.counts.enumerated() where index < counts.count { counts[index] &+= count }
      sum += Double(shard.sum) * buckets.scale
    }
    var total: UInt64 = 0
    for (index, bound) in buckets.bounds.enumerated() {
      total &+= counts[index]
      line("_bucket", extra: "le=\"\(Self.number(Double(bound) * buckets.scale))\"", value: "\(total)", to: &output)
    }
    total &+= counts[buckets.bounds.count]
    line("_bucket", extra: "le=\"+Inf\"", value: "\(total)", to: &output)
    line("_sum", extra: "", value: Self.number(sum), to: &output)
    line("_count", extra: "", value: "\(total)", to: &output)
  }

  private func line(_ suffix: String, extra: String, value: String, to output: inout [UInt8]) {
    output.append(contentsOf: name.utf8)
    output.append(contentsOf: suffix.utf8)
    if !labels.isEmpty || !extra.isEmpty {
      output.append(UInt8(ascii: "{"))
      output.append(contentsOf: labels)
      if !labels.isEmpty, !extra.isEmpty { output.append(UInt8(ascii: ",")) }
      output.append(contentsOf: extra.utf8)
      output.append(UInt8(ascii: "}"))
    }
    output.append(UInt8(ascii: " "))
    output.append(contentsOf: value.utf8)
    output.append(UInt8(ascii: "\n"))
  }

  /// `5`, `0.0025`: a whole number without a fraction, others to nine digits after the point at most.
  static func number(_ value: Double) -> String {
    guard value.isFinite else { return value.isNaN ? "NaN" : value < 0 ? "-Inf" : "+Inf" }
    if value == value.rounded(), abs(value) < 1e15 { return "\(Int64(value))" }
    let rounded = (value * 1e9).rounded() / 1e9
    return "\(rounded)"
  }
}
