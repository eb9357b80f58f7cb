import CWMP
import Cryptography
import HTTP
import Networking

/// A tiny ACS for the simulator's tests: answers Informs, hands each session the RPCs it was given, keeps what it
/// heard.
final class ScriptedACS: HTTPService {
  struct Heard: Sendable {
    var messages: [Envelope.Message] = []
    var cookies: [String?] = []
    var usernames: [String?] = []
    var emptyPosts = 0
    var connections: Set<UInt64> = []
  }

  enum Demand {
    case nothing
    case basic(user: String, password: String)
    case digest(user: String, password: String)
  }

  var demand = Demand.nothing
  /// For the sessions to come, first in first out: each Inform takes one list.
  var scripts: [[CWMPRequest]] = []
  /// Statuses for the Informs to come, before any is accepted.
  var refusals: [HTTPStatus] = []
  /// Files by path, for downloads; asked for with `fileDemand`.
  var files: [String: [UInt8]] = [:]
  private(set) var heard = Heard()
  fileprivate var queue: [CWMPRequest] = []
  fileprivate var sent = 0

  func begin(_ head: RequestHead, _ exchange: Exchange) -> HeadDecision {
    if head.method == .get {
      guard let file = files[head.path] else { return .refuse(.notFound, FieldBlock(), []) }
      if let challenge = refused(head, method: "GET") { return challenge }
      return .refuse(.ok, FieldBlock(), file)
    }
    if let challenge = refused(head, method: "POST") { return challenge }
    heard.cookies.append(head["cookie"])
    return .accept(Receiver(self), bodyLimit: 10 << 20)
  }

  private func refused(_ head: RequestHead, method: String) -> HeadDecision? {
    let parsed = head["authorization"].flatMap { try? AuthorizationHeader.parse(Array($0.utf8).span) }
    switch (demand, parsed) {
    case (.nothing, _): return nil
    case (.basic(let user, let password), .basic(let basic)?)
    where basic.username == Array(user.utf8) && basic.proves(password: Array(password.utf8)):
      heard.usernames.append(user)
      return nil
    case (.digest(let user, let password), .digest(let digest)?)
    where digest.username == Array(user.utf8)
      && digest.proves(password: Array(password.utf8), method: Array(method.utf8), target: Array(head.target.utf8)):
      heard.usernames.append(user)
      return nil
    case (.basic, _): return .refuse(.unauthorized, FieldBlock("WWW-Authenticate", "Basic realm=\"acs\""), [])
    case (.digest, _):
      let challenge = DigestChallenge(realm: "acs", nonce: SecureRandom.token())
      return .refuse(.unauthorized, FieldBlock("WWW-Authenticate", challenge.headerValue), [])
    }
  }

  fileprivate func answer(_ body: [UInt8], _ exchange: Exchange) {
    guard !body.isEmpty else {
      heard.emptyPosts += 1
      return sendNext(exchange)
    }
    guard let envelope = try? EnvelopeParser().parse(body) else { return exchange.respond(.badRequest) }
    heard.messages.append(envelope.message)
    let writer = EnvelopeWriter(namespace: envelope.namespace)
    let fields = FieldBlock("Content-Type", "text/xml; charset=utf-8")
    switch envelope.message {
    case .inform:
      if !refusals.isEmpty { return exchange.respond(refusals.removeFirst()) }
      queue = scripts.isEmpty ? [] : scripts.removeFirst()
      exchange.respond(
        .ok, fields.with("Set-Cookie", "session=abc; Path=/"),
        writer.response(.inform(maxEnvelopes: 1), id: envelope.id))
    case .cpeRequest(.transferComplete):
      exchange.respond(.ok, fields, writer.response(.transferComplete, id: envelope.id))
    default: sendNext(exchange)
    }
  }

  private func sendNext(_ exchange: Exchange) {
    guard !queue.isEmpty else { return exchange.respond(.noContent) }
    sent += 1
    let request = EnvelopeWriter(namespace: .cwmp12).request(queue.removeFirst(), id: "rpc-\(sent)")
    exchange.respond(.ok, FieldBlock("Content-Type", "text/xml; charset=utf-8"), request)
  }

  private final class Receiver: RequestReceiver {
    private let acs: ScriptedACS
    private var bytes: [UInt8] = []

    init(_ acs: ScriptedACS) { self.acs = acs }

    func body(_ bytes: Span<UInt8>, _ exchange: Exchange) {
      bytes.withUnsafeBufferPointer { self.bytes.append(contentsOf: $0) }
    }

    func end(_ exchange: Exchange) { acs.answer(bytes, exchange) }

    func abandoned(_ why: Abandonment, _ exchange: Exchange) {}
  }
}
