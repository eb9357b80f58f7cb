import HTTP
import Operations

/// Puts endpoints behind the token, the problems, the metrics and the log.
struct APIRouter: Sendable {
  let gate: TokenGate
  let logger: Logger
  let metrics: MetricsRegistry

  /// Bytes of a request's body; the largest are policies and tasks that set many parameters.
  static let bodyLimit = 1 << 20

  /// The longest that a request may wait for a task, and some.
  static let deadline = Duration.seconds(330)

  func router(_ endpoints: [Endpoint]) -> Router {
    var router = Router()
    router.deadline = Self.deadline
    router.onRefusal = Problem.refusal
    for endpoint in endpoints {
      router.on(
        endpoint.method, endpoint.pattern, bodyLimit: endpoint.body == .none ? 4096 : Self.bodyLimit, handler(endpoint))
    }
    return router
  }

  private func handler(_ endpoint: Endpoint) -> APIHandler {
    let counters = ["2xx", "3xx", "4xx", "5xx"].map { answers in
      metrics.counter(
        "carillon_api_requests_total", "Requests answered, by route and class of status.",
        ["method": endpoint.method.description, "route": endpoint.pattern, "class": answers])
    }
    let latency = metrics.histogram(
      "carillon_api_seconds", "How long requests took.",
      ["method": endpoint.method.description, "route": endpoint.pattern], buckets: .latency)
    return { request in
      let begin = ContinuousClock.now
      var caller = Caller(name: "")
      let response: APIResponse
      do {
        if !endpoint.isOpen { caller.name = try await gate.holder(of: request) }
        response = try await endpoint.handler(request, caller)
      } catch {
        let problem = Problem(error)
        if problem.kind == .internalError || problem.kind == .unavailable { report(error, request, caller) }
        response = problem.response
      }
      let took = ContinuousClock.now - begin
      counters[min(max(Int(response.status.rawValue) / 100, 2), 5) - 2].increment()
      latency.observe(took)
      if endpoint.method != .get { audit(request, caller, response, took) }
      return response
    }
  }

  /// Who changed what: one line a request that may change something. Paths hold no secrets, bodies are not logged.
  private func audit(_ request: APIRequest, _ caller: Caller, _ response: APIResponse, _ took: Duration) {
    logger.info("request") { line in
      line.add(Self.token, caller.name)
      line.add(Self.method, describing: request.method)
      line.add(Self.path, request.path)
      line.add(Self.status, response.status.rawValue)
      line.add(.milliseconds, took.components.seconds * 1000 + took.components.attoseconds / 1_000_000_000_000_000)
      line.add(.peer, describing: request.peer)
    }
  }

  private func report(_ error: any Error, _ request: APIRequest, _ caller: Caller) {
    logger.error("request failed") { line in
      line.add(Self.token, caller.name)
      line.add(Self.method, describing: request.method)
      line.add(Self.path, request.path)
      line.add(error)
    }
  }

  private static let token = LogKey("token")
  private static let method = LogKey("method")
  private static let path = LogKey("path")
  private static let status = LogKey("status")
}
