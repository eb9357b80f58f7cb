import Cryptography
import Networking
import Northbound
import Operations
import PostgreSQL

/// The REST API as parts of a process: a server a loop, all on one port.
enum NorthboundRole {
  static func parts(_ process: ServerProcess) async throws -> [LifecyclePart] {
    let configuration = process.configuration.northbound
    var settings = NorthboundSettings()
    settings.filesDirectory = process.configuration.gateway.files.directory
    // In a process with other roles the rest is theirs.
    settings.maximumConnections = min(settings.maximumConnections, process.openFiles / 20)
    let address = try SocketAddress(host: configuration.address, port: configuration.port)
    let tls = try tls(configuration)
    let browser = LogBrowser(
      on: process.control, keyring: process.keyring, sealer: process.sealer, open: { try await process.openLog() })
    var parts = [LifecyclePart("log browser", stop: { await browser.close() })]
    for number in 0..<max(configuration.loops, 1) {
      parts.append(try await part(number, process, settings, browser, address, tls))
    }
    return parts
  }

  private static func part(
    _ number: Int, _ process: ServerProcess, _ settings: NorthboundSettings, _ browser: LogBrowser,
    _ address: SocketAddress, _ tls: TLSServerContext?
  ) async throws -> LifecyclePart {
    let loop = try process.loop("northbound-\(number)")
    let lanes = NorthboundLanes(
      reading: try Lane(on: loop, process.database), writing: try Lane(on: loop, process.database))
    let server = NorthboundServer(
      on: loop, lanes: lanes, settings: settings, browser: browser, logger: process.logger, metrics: process.metrics)
    let name = "northbound \(number)"
    process.readiness.expect(name)
    return LifecyclePart(
      name,
      start: {
        try await lanes.reading.waitUntilReady()
        if number == 0 {
          try await adoptToken(process.configuration.northbound.tokenFile, lanes.writing, process.logger)
        }
        let bound = try await server.listen(on: address, tls: tls)
        process.logger.info("listening for the API") { $0.add(.address, describing: bound) }
        process.readiness.ready(name)
      },
      reload: { await server.use(try self.tls(process.configuration.northbound)) },
      stop: {
        process.readiness.notReady(name, reason: "stopping")
        await server.drain()
        for _ in 0..<20 where await !server.isIdle { try? await loop.sleep(for: .milliseconds(100)) }
        await server.close()
        await lanes.reading.close()
        await lanes.writing.close()
      })
  }

  private static func tls(_ configuration: NorthboundConfiguration) throws -> TLSServerContext? {
    guard let certificate = configuration.certificateFile, let key = configuration.keyFile else { return nil }
    return try TLSServerContext(certificateChain: certificate, privateKey: key)
  }

  /// A token that the installation wrote into a file is good from the start; further ones are made by `carillon token`.
  /// A file that cannot be read as a secret keeps the API from starting; without a file the token of before stays, for
  /// another machine may have one, and it is said.
  private static func adoptToken(_ path: String, _ lane: Lane, _ logger: Logger) async throws {
    let (tokens, name) = (TokenStore(lane), "token-file")
    guard FileContents.exists(path) else {
      guard try await tokens.has(name) else { return }
      return logger.warning("the token file is gone, its token is good until it is revoked: carillon token revoke") {
        $0.add(.part, name)
        $0.add(.reason, path)
      }
    }
    let text = String(decoding: try FileContents.readSecret(path), as: UTF8.self)
    guard let token = text.split(whereSeparator: \.isWhitespace).first.map(String.init) else {
      throw TokenFileEmpty(path: path)
    }
    try await tokens.replace(name, token: token)
  }

  private struct TokenFileEmpty: Error, CustomStringConvertible {
    let path: String
    var description: String { "\(path): is empty; it should hold a token (northbound.token_file)" }
  }
}
