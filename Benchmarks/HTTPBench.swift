import Glibc
import HTTP
import Networking

/// One gateway loop's HTTP without XML and log behind it: any POST is read to its end and answered with 600 bytes.
///
/// `http-server --port N [--tls CERTIFICATE KEY]` serves until it is killed; `scripts/bench http` compares it with
/// nginx under the same load.
enum HTTPBench {
  private final class Answering: HTTPService, RequestReceiver {
    private let fields = FieldBlock("Content-Type", "text/xml; charset=utf-8")
    private let answer = [UInt8](repeating: 0x78, count: 600)

    func begin(_ head: RequestHead, _ exchange: Exchange) -> HeadDecision { .accept(self, bodyLimit: 1 << 20) }
    func body(_ bytes: Span<UInt8>, _ exchange: Exchange) {}
    func end(_ exchange: Exchange) { exchange.respond(.ok, fields, answer) }
    func abandoned(_ why: Abandonment, _ exchange: Exchange) {}
  }

  static func serve(_ arguments: [String]) async throws {
    func value(_ name: String, _ offset: Int = 1) -> String? {
      guard let index = arguments.firstIndex(of: name), index + offset < arguments.count else { return nil }
      return arguments[index + offset]
    }
    guard let port = value("--port").flatMap(UInt16.init) else {
      throw NetworkingError(.invalidAddress, "http-server --port N [--tls CERTIFICATE KEY]")
    }
    ProcessLimits.raiseOpenFiles()
    ProcessLimits.ignoreBrokenPipes()
    var options = ListenerOptions()
    if let certificate = value("--tls"), let key = value("--tls", 2) {
      options.tls = try TLSServerContext(certificateChain: certificate, privateKey: key)
    }
    let loop = try EventLoop(name: "http")
    let address = try await loop.run { [options] in
      try HTTPServer(loop: loop, service: Answering()).listen(
        on: SocketAddress(ip: .loopback, port: port), options: options
      ).address
    }
    print("listening on \(address)")
    fflush(nil)
    while !Task.isCancelled { try await loop.sleep(for: .seconds(3600)) }
  }
}
