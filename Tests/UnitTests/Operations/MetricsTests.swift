import Operations
import Testing

@Suite("Metrics: shards added up at the scrape")
struct MetricsTests {
  private func text(_ registry: MetricsRegistry) -> String { String(decoding: registry.render(), as: UTF8.self) }

  @Test("Shards of one series are added up; series of one name stand together")
  func counters() {
    let registry = MetricsRegistry()
    let first = registry.counter("carillon_posts_total", "POSTs answered.", ["status": "200"])
    let second = registry.counter("carillon_posts_total", "POSTs answered.", ["status": "200"])
    let refused = registry.counter("carillon_posts_total", "POSTs answered.", ["status": "503"])
    first.increment()
    second.increment(by: 2)
    refused.increment()
    #expect(
      text(registry) == """
        # HELP carillon_posts_total POSTs answered.
        # TYPE carillon_posts_total counter
        carillon_posts_total{status="200"} 3
        carillon_posts_total{status="503"} 1

        """)
  }

  @Test("A gauge goes up and down, or is asked when scraped")
  func gauges() {
    let registry = MetricsRegistry()
    let gauge = registry.gauge("carillon_open", "Open.")
    gauge.add(5)
    gauge.add(-2)
    registry.gauge("carillon_load", "Load.") { 0.25 }
    #expect(text(registry).contains("\ncarillon_open 3\n"))
    #expect(text(registry).contains("\ncarillon_load 0.25\n"))
  }

  @Test("A histogram's buckets are cumulative, in the exposed unit")
  func histograms() {
    let registry = MetricsRegistry()
    let buckets = HistogramBuckets(bounds: [1_000_000, 10_000_000], scale: 1e-9)
    let one = registry.histogram("carillon_wait_seconds", "Wait.", ["role": "worker"], buckets: buckets)
    let two = registry.histogram("carillon_wait_seconds", "Wait.", ["role": "worker"], buckets: buckets)
    one.observe(1_000_000)
    one.observe(.milliseconds(5))
    two.observe(.seconds(2))
    #expect(
      text(registry) == """
        # HELP carillon_wait_seconds Wait.
        # TYPE carillon_wait_seconds histogram
        carillon_wait_seconds_bucket{role="worker",le="0.001"} 1
        carillon_wait_seconds_bucket{role="worker",le="0.01"} 2
        carillon_wait_seconds_bucket{role="worker",le="+Inf"} 3
        carillon_wait_seconds_sum{role="worker"} 2.006
        carillon_wait_seconds_count{role="worker"} 3

        """)
  }

  @Test("Label values are escaped")
  func labels() {
    let registry = MetricsRegistry()
    registry.counter("carillon_x_total", "X.", ["reason": "a\"b\\c\nd"]).increment()
    #expect(text(registry).contains("{reason=\"a\\\"b\\\\c\\nd\"} 1"))
  }

  @Test("Counts of several tasks are all there")
  func concurrent() async {
    let registry = MetricsRegistry()
    let counter = registry.counter("carillon_n_total", "N.")
    await withTaskGroup { group in
      for _ in 0..<4 { group.addTask { for _ in 0..<1000 { counter.increment() } } }
    }
    #expect(counter.value == 4000)
  }

  @Test("The process tells its own figures")
  func process() {
    let registry = MetricsRegistry()
    registry.addProcessMetrics(version: "1.0", role: "gateway")
    let all = text(registry)
    #expect(all.contains("carillon_build_info{version=\"1.0\",role=\"gateway\"} 1\n"))
    for name in ["cpu_seconds_total", "resident_memory_bytes", "open_fds", "max_fds", "start_time_seconds"] {
      let line = all.split(separator: "\n").first { $0.hasPrefix("process_\(name) ") }
      #expect(line.flatMap { Double($0.split(separator: " ")[1]) }.map { $0 >= 0 } == true, "\(name)")
    }
  }
}
