import CWMP
import Cryptography
import HTTP

/// Answers connection requests (TR-069 §3.2.2): one listener for all CPEs of a loop, a path for each, HTTP Digest with
/// each one's own credentials.
final class ConnectionRequestService: HTTPService {
  private unowned let shard: FleetShard
  private let places: [UInt32: Int]
  /// Nonces given out and not used up, bounded.
  private var nonces: Set<String> = []
  private var order: [String] = []

  init(shard: FleetShard) {
    self.shard = shard
    places = Dictionary(uniqueKeysWithValues: shard.cpes.map { ($0.state.identity.index, $0.place) })
  }

  func begin(_ head: RequestHead, _ exchange: Exchange) -> HeadDecision {
    guard head.method == .get else { return .refuse(.methodNotAllowed, FieldBlock("Allow", "GET"), []) }
    guard let identity = CPEIdentity(serialNumber: head.path.dropFirst()), let place = places[identity.index] else {
      return .refuse(.notFound, FieldBlock(), [])
    }
    let cpe = shard.cpes[place]
    guard !cpe.isDown else { return .refuse(.serviceUnavailable, FieldBlock("Retry-After", "30"), []) }
    guard proves(head, cpe) else { return challenge() }
    shard.statistics.connectionRequests += 1
    cpe.state.raise(.connectionRequest)
    shard.requestSession(cpe)
    return .refuse(.ok, FieldBlock(), [])
  }

  private func proves(_ head: RequestHead, _ cpe: SimulatedCPE) -> Bool {
    let known = cpe.state.model.known
    let password = cpe.state.value(at: known.connectionRequestPassword, now: 0)
    guard !password.isEmpty, let field = head["authorization"],
      case .digest(let digest) = try? AuthorizationHeader.parse(Array(field.utf8).span),
      nonces.contains(String(decoding: digest.nonce, as: UTF8.self)),
      digest.username == Array(cpe.state.value(at: known.connectionRequestUsername, now: 0).utf8)
    else { return false }
    return digest.proves(password: Array(password.utf8), method: Array("GET".utf8), target: Array(head.target.utf8))
  }

  private func challenge() -> HeadDecision {
    let nonce = SecureRandom.token()
    nonces.insert(nonce)
    order.append(nonce)
    if order.count > 4_096 {
      for old in order.prefix(2_048) { nonces.remove(old) }
      order.removeFirst(2_048)
    }
    let value = DigestChallenge(realm: "carillon-cpe", nonce: nonce).headerValue
    return .refuse(.unauthorized, FieldBlock("WWW-Authenticate", value), [])
  }
}
