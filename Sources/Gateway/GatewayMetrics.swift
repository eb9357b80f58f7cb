import Operations

/// A gateway loop's metrics.
final class GatewayMetrics {
  /// Why something was refused.
  enum Refusal: Int, CaseIterable {
    case authentication, identity, held, overload, parallel, body, method, encoding, session, log, database, http

    var name: String { String(describing: self) }
  }

  let informs: Counter
  let rpcs: Counter
  let ends: Counter
  let unanswered: Counter
  let appendFailures: Counter
  let unreadableCredentials: Counter
  private let refusals: [Counter]

  init(_ registry: MetricsRegistry) {
    informs = registry.counter("carillon_informs_accepted_total", "Informs answered with InformResponse")
    rpcs = registry.counter("carillon_rpcs_sent_total", "RPCs written to CPEs")
    ends = registry.counter("carillon_session_ends_total", "POSTs answered with 204")
    unanswered = registry.counter(
      "carillon_posts_unanswered_total", "POSTs whose connection was closed because the log did not take them")
    appendFailures = registry.counter("carillon_log_append_failures_total", "Records that the log did not take")
    unreadableCredentials = registry.counter(
      "carillon_credentials_unreadable_total", "Stored credentials that no cluster secret of the keyring opens")
    refusals = registry.counters(
      "carillon_posts_refused_total", "POSTs refused, by reason", label: "reason",
      values: Refusal.allCases.map(\.name))
  }

  func refused(_ why: Refusal) { refusals[why.rawValue].increment() }
}
