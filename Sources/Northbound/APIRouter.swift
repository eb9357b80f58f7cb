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
      let observe = observer(endpoint)
      let admission: APIAdmission = { request in await refusal(of: request, observe) }
      router.on(
        endpoint.method, endpoint.pattern, bodyLimit: endpoint.body == .none ? 4096 : Self.bodyLimit,
        admission: endpoint.isOpen ? nil : admission, handler(endpoint, observe))
    }
    return router
  }

  /// Notes what became of a request.
  private typealias Observer = @Sendable (APIRequest, Caller, APIResponse, _ took: Duration) -> Void

  /// Nobody's body is read before the token is known to be good. The handler asks once more, which costs no look-up.
  private func refusal(of request: APIRequest, _ observe: Observer) async -> APIResponse? {
    let begin = ContinuousClock.now
    do {
      _ = try await gate.holder(of: request)
      return nil
    } catch {
      let response = answer(error, request, Caller(name: ""))
      observe(request, Caller(name: ""), response, ContinuousClock.now - begin)
      return response
    }
  }

  private func handler(_ endpoint: Endpoint, _ observe: @escaping Observer) -> APIHandler {
    { request in
      let begin = ContinuousClock.now
      var caller = Caller(name: "")
      let response: APIResponse
      do {
        if !endpoint.isOpen { caller.name = try await gate.holder(of: request) }
        response = try await endpoint.handler(request, caller)
      } catch {
        response = answer(error, request, caller)
      }
      observe(request, caller, response, ContinuousClock.now - begin)
      return response
    }
  }

  private func observer(_ endpoint: Endpoint) -> Observer {
    let counters = ["2xx", "3xx", "4xx", "5xx"].map { answers in
      metrics.counter(
        "carillon_api_requests_total", "Requests answered, by route and class of status.",
        ["method": endpoint.method.description, "route": endpoint.pattern, "class": answers])
    }
    let latency = metrics.histogram(
      "carillon_api_seconds", "How long requests took.",
      ["method": endpoint.method.description, "route": endpoint.pattern], buckets: .latency)
    return { request, caller, response, took in
      counters[min(max(Int(response.status.rawValue) / 100, 2), 5) - 2].increment()
      latency.observe(took)
      if endpoint.method != .get { audit(request, caller, response, took) }
    }
  }

  private func answer(_ error: any Error, _ request: APIRequest, _ caller: Caller) -> APIResponse {
    let problem = Problem(error)
    if problem.kind == .internalError || problem.kind == .unavailable { report(error, request, caller) }
    return problem.response
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
