public import Networking

/// Serves a ``Router`` on one loop: collects the body, runs the handler as a task of the loop, answers.
public final class RouterService: HTTPService {
  private let router: Router
  private let loop: EventLoop

  /// A service for ``HTTPServer``.
  public init(_ router: Router, on loop: EventLoop) {
    self.router = router
    self.loop = loop
  }

  /// Part of `HTTPService`.
  public func begin(_ head: RequestHead, _ exchange: Exchange) -> HeadDecision {
    let path = head.path
    switch router.match(head.method, path) {
    case .notFound:
      return refuse(.notFound, path)
    case .malformed:
      return refuse(.badRequest, path)
    case .otherMethods(let methods):
      return refuse(.methodNotAllowed, path, allow: methods)
    case .found(let route, let parameters):
      guard let query = PercentEncoding.decodeQuery(head.query ?? "") else { return refuse(.badRequest, path) }
      let request = APIRequest(
        method: head.method == .head ? .get : head.method, path: path, route: route.pattern, parameters: parameters,
        query: query, head: head, body: [], peer: exchange.peer)
      let receiver = APIReceiver(request, route.handler, router, loop)
      if head.announcesBody, let admission = route.admission { receiver.ask(admission, exchange) }
      return .accept(receiver, bodyLimit: route.bodyLimit)
    }
  }

  private func refuse(_ status: HTTPStatus, _ path: String, allow: [HTTPMethod] = []) -> HeadDecision {
    var response = router.onRefusal(status, path)
    if status == .methodNotAllowed {
      response.fields.add("Allow", allow.map(\.description).joined(separator: ", "))
    }
    return .refuse(response.status, response.fields, response.body)
  }
}

/// One API request: its body as it comes, then its handler's task.
private final class APIReceiver: RequestReceiver {
  private var request: APIRequest
  private let handler: APIHandler
  private let router: Router
  private let loop: EventLoop
  private var task: Task<Void, Never>?
  private var timer: LoopTimer?

  init(_ request: APIRequest, _ handler: @escaping APIHandler, _ router: Router, _ loop: EventLoop) {
    self.request = request
    self.handler = handler
    self.router = router
    self.loop = loop
  }

  /// Leaves the body where it is until it is known whether it is wanted.
  func ask(_ admission: @escaping APIAdmission, _ exchange: Exchange) {
    exchange.suspendReading()
    let answering = LoopBound((self, exchange), on: loop)
    task = Task(executorPreference: loop) { [loop, request] in
      let refusal = await admission(request)
      loop.runSoon {
        let (receiver, exchange) = answering.value
        if let refusal { receiver.answer(exchange, refusal) } else { exchange.resumeReading() }
      }
    }
  }

  func body(_ bytes: Span<UInt8>, _ exchange: Exchange) { request.body.append(bytes) }

  func end(_ exchange: Exchange) {
    let answering = LoopBound((self, exchange), on: loop)
    task = Task(executorPreference: loop) { [loop, handler, router, request] in
      let response: APIResponse
      do {
        response = try await handler(request)
      } catch {
        response = router.onError(error, request)
      }
      loop.runSoon {
        let (receiver, exchange) = answering.value
        receiver.answer(exchange, response)
      }
    }
    timer = loop.schedule(after: router.deadline) { [weak self, weak exchange] in
      guard let self, let exchange else { return }
      task?.cancel()
      answer(exchange, router.onRefusal(.gatewayTimeout, request.path))
    }
  }

  func abandoned(_ why: Abandonment, _ exchange: Exchange) {
    task?.cancel()
    timer?.cancel()
  }

  private func answer(_ exchange: Exchange, _ response: APIResponse) {
    timer?.cancel()
    exchange.respond(response.status, response.fields, response.body)
  }
}
