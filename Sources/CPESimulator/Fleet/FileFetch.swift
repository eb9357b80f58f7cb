import Cryptography
import HTTP
import Networking

/// A file that was fetched: only its length is kept, and what its first line says of its version.
struct FetchedFile: Sendable {
  var length = 0
  /// Of an image that begins with `version: X`.
  var version: String?
}

/// Why a transfer failed, as TransferComplete tells it.
struct TransferFailure: Error, Sendable {
  let code: Int
  let reason: String
}

/// Fetches a file by HTTP GET (item 158: Basic and Digest, when challenged), without keeping it.
final class FileFetch: ConnectionDelegate {
  private let shard: FleetShard
  private let url: ACSAddress
  private let credentials: ACSCredentials?
  private let cpe: SimulatedCPE
  private var finish: ((Result<FetchedFile, TransferFailure>) -> Void)?
  private var connection: Connection?
  private var parser = ResponseParser()
  private var deadline: LoopTimer?
  private var file = FetchedFile()
  private var start: [UInt8] = []
  private var authorization: String?

  init(
    shard: FleetShard, url: ACSAddress, credentials: ACSCredentials?, cpe: SimulatedCPE,
    _ finish: @escaping (Result<FetchedFile, TransferFailure>) -> Void
  ) {
    self.shard = shard
    self.url = url
    self.credentials = credentials
    self.cpe = cpe
    self.finish = finish
  }

  func start(authorization: String? = nil) {
    self.authorization = authorization
    parser = ResponseParser()
    file = FetchedFile()
    start = []
    do {
      var options = shard.connectOptions(for: cpe)
      options.tls = url.isTLS ? shard.settings.tls : nil
      options.source = nil
      options.serverName = url.host
      connection = try Connection.connect(
        to: try shard.lookup.address(of: url), on: shard.loop, options: options, delegate: self)
    } catch {
      end(.failure(TransferFailure(code: 9015, reason: "Unable to contact file server")))
    }
  }

  func connected(_ connection: Connection) {
    touch()
    var head =
      "GET \(url.target) HTTP/1.1\r\nHost: \(url.authority)\r\nUser-Agent: carillon-cpe\r\nConnection: close\r\n"
    if let authorization { head += "Authorization: \(authorization)\r\n" }
    connection.write(Array("\(head)\r\n".utf8))
  }

  func received(_ bytes: Span<UInt8>, _ connection: Connection) -> Int {
    touch()
    var position = 0
    do {
      while connection === self.connection {
        switch try parser.next(bytes, from: &position) {
        case .needMore: return bytes.count
        case .head: break
        case .body(let range): take(bytes.extracting(range))
        case .end: answered()
        }
      }
    } catch {
      end(.failure(TransferFailure(code: 9017, reason: "Unable to complete download")))
    }
    return bytes.count
  }

  func receivedEnd(_ connection: Connection) {
    if connection === self.connection, let event = try? parser.inputEnded(), event == .end { answered() }
    connection.close()
  }

  func ended(_ connection: Connection, _ why: ConnectionEnd) {
    guard connection === self.connection else { return }
    let code = parser.isIdle ? 9015 : 9017
    end(.failure(TransferFailure(code: code, reason: "Unable to complete download")))
  }

  /// A download may take long; it may not stand still.
  private func touch() {
    if let deadline { return shard.deadlines.restart(deadline) }
    deadline = shard.deadlines.start { [weak self] in
      self?.end(.failure(TransferFailure(code: 9017, reason: "Unable to complete download in time")))
    }
  }

  private func take(_ bytes: Span<UInt8>) {
    file.length += bytes.count
    guard start.count < 64 else { return }
    bytes.extracting(0..<min(64, bytes.count)).withUnsafeBufferPointer { start.append(contentsOf: $0) }
  }

  private func answered() {
    let old = connection
    connection = nil
    old?.close()
    switch Int(parser.head.status.rawValue) {
    case 200:
      file.version = Self.version(of: start)
      end(.success(file))
    case 401 where authorization == nil:
      guard let credentials, let answer = answer(parser.head.values(of: "www-authenticate"), credentials) else {
        return end(.failure(TransferFailure(code: 9012, reason: "File transfer server authentication failure")))
      }
      start(authorization: answer)
    case 401, 403:
      end(.failure(TransferFailure(code: 9012, reason: "File transfer server authentication failure")))
    case let status: end(.failure(TransferFailure(code: 9016, reason: "Unable to access file: status \(status)")))
    }
  }

  private func answer(_ challenges: [String], _ credentials: ACSCredentials) -> String? {
    for value in challenges {
      guard let challenge = DigestChallenge.parse(Array(value.utf8).span) else { continue }
      return challenge.answer(
        username: credentials.username, password: credentials.password, method: "GET", uri: url.target,
        clientNonce: SecureRandom.token(16))
    }
    guard challenges.contains(where: { $0.lowercased().hasPrefix("basic") }) else { return nil }
    return "Basic " + Base64.encode(Array("\(credentials.username):\(credentials.password)".utf8).span)
  }

  private static func version(of start: [UInt8]) -> String? {
    let line = String(decoding: start.prefix { $0 != 0x0A && $0 != 0x0D }, as: UTF8.self)
    guard line.hasPrefix("version: ") else { return nil }
    return String(line.dropFirst(9).prefix { !$0.isWhitespace })
  }

  private func end(_ result: Result<FetchedFile, TransferFailure>) {
    deadline?.cancel()
    let old = connection
    connection = nil
    old?.close()
    let finish = finish
    self.finish = nil
    finish?(result)
  }
}
