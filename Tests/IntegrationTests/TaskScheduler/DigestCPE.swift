import Cryptography
import Networking

/// A CPE's connection request server, as bad as some are. Lives on its loop.
final class DigestCPE {
  /// What it does besides.
  struct Manners: Sendable {
    var password = "secret"
    var offersQOP = true
    /// Closes right after its first challenge, without `Connection: close` (quirk Q48).
    var closesAfterChallenge = false
    /// Answers this to everything.
    var status: Int?
    var extraHeader = ""
    /// Accepts and says nothing.
    var isSilent = false
    var offersBasicOnly = false
  }

  private let loop: EventLoop
  private let manners: Manners
  private var listener: Listener?
  private var connections: [ObjectIdentifier: Talk] = [:]
  private var challenges = 0
  private(set) var requests: [String] = []
  private(set) var accepted = 0

  private init(_ loop: EventLoop, _ manners: Manners) {
    self.loop = loop
    self.manners = manners
  }

  /// A listening CPE on `loop`.
  static func start(on loop: EventLoop, _ manners: Manners = Manners()) async throws -> Handle {
    try await loop.run {
      let cpe = DigestCPE(loop, manners)
      let listener = try Listener(on: SocketAddress(ip: .loopback, port: 0), loop: loop) { connection in
        cpe.accepted += 1
        let talk = Talk(cpe)
        cpe.connections[ObjectIdentifier(connection)] = talk
        return talk
      }
      cpe.listener = listener
      return Handle(loop: loop, port: listener.address.port, cpe: LoopBound(cpe, on: loop))
    }
  }

  /// The test's handle.
  struct Handle: Sendable {
    let loop: EventLoop
    let port: UInt16
    let cpe: LoopBound<DigestCPE>

    var url: String { "http://127.0.0.1:\(port)/cr?id=7" }

    func requests() async throws -> [String] { try await loop.run { cpe.value.requests } }
    func accepted() async throws -> Int { try await loop.run { cpe.value.accepted } }
  }

  /// One connection.
  private final class Talk: ConnectionDelegate {
    let cpe: DigestCPE
    var input: [UInt8] = []

    init(_ cpe: DigestCPE) { self.cpe = cpe }

    func received(_ bytes: Span<UInt8>, _ connection: Connection) -> Int {
      for index in bytes.indices { input.append(bytes[index]) }
      let text = String(decoding: input, as: UTF8.self)
      if text.hasSuffix("\r\n\r\n") {
        input = []
        cpe.answer(text, connection)
      }
      return bytes.count
    }

    func ended(_ connection: Connection, _ why: ConnectionEnd) {
      cpe.connections[ObjectIdentifier(connection)] = nil
    }
  }

  private func answer(_ request: String, _ connection: Connection) {
    requests.append(request)
    if manners.isSilent { return }
    if let status = manners.status { return send(status, manners.extraHeader, connection) }
    let field = "Authorization: Digest "
    if let line = request.split(separator: "\r\n").first(where: { $0.hasPrefix(field) }) {
      let value = Array(line.dropFirst("Authorization: ".count).utf8)
      if case .digest(let digest)? = try? AuthorizationHeader.parse(value.span),
        digest.proves(
          password: Array(manners.password.utf8), method: Array("GET".utf8), target: Array("/cr?id=7".utf8))
      {
        return send(200, "", connection)
      }
    }
    challenges += 1
    let challenge =
      manners.offersBasicOnly
      ? #"Basic realm="CPE""#
      : DigestChallenge(realm: "CPE", nonce: "n\(challenges)", offersProtection: manners.offersQOP).headerValue
    send(401, "WWW-Authenticate: \(challenge)\r\n", connection)
    if manners.closesAfterChallenge, challenges == 1 { connection.closeAfterFlush() }
  }

  private func send(_ status: Int, _ fields: String, _ connection: Connection) {
    connection.write(Array("HTTP/1.1 \(status) X\r\n\(fields)Content-Length: 0\r\n\r\n".utf8))
  }
}
