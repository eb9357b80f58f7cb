import CWMP
import Cryptography
import EventLog
import Fleet
import HTTP
import Networking
import Operations

/// The core's answers as HTTP responses.
enum CWMPAnswer {
  private static let xml = FieldBlock("Content-Type", "text/xml; charset=utf-8")

  /// Writes `answer` to the exchange that waits for it.
  static func write(_ answer: SessionCore.Answer, _ waiting: GatewayLoop.Pending, _ gateway: GatewayLoop) {
    let reply = waiting.reply
    if answer == .nothing || answer == .unavailable { waiting.exchange.connection.outlivesRetirement = false }
    switch answer {
    case .informed:
      var fields = xml
      if let cookie = waiting.cookie {
        let value = String(decoding: gateway.cookies.encode(cookie), as: UTF8.self)
        fields.add("Set-Cookie", "session=\(value); Path=/\(cookie.isPlain ? "" : "; Secure")")
      }
      let body = EnvelopeWriter(namespace: reply.namespace).informResponse(id: reply.id, useVersion: reply.version)
      gateway.metrics.informs.increment()
      waiting.exchange.respond(.ok, fields, body)
    case .requestTaken:
      waiting.exchange.respond(.ok, xml, requestTaken(reply))
    case .retryRequest:
      waiting.exchange.respond(.ok, xml, fault(.retryRequest, reply))
    case .rpc(let body):
      gateway.metrics.rpcs.increment()
      waiting.exchange.respond(.ok, xml, body)
    case .nothing:
      gateway.metrics.ends.increment()
      logEnd(waiting, gateway)
      waiting.exchange.respond(.noContent)
    case .unavailable:
      gateway.metrics.refused(.log)
      waiting.exchange.respond(.serviceUnavailable, gateway.retryLater)
    }
  }

  /// The one line of a session: it has ended with nothing wanted of the CPE.
  private static func logEnd(_ waiting: GatewayLoop.Pending, _ gateway: GatewayLoop) {
    guard let cookie = waiting.cookie else { return }
    gateway.logger.info("session ended") { line in
      line.add(.device, describing: cookie.device)
      line.add(.session, describing: cookie.session)
      line.add(.peer, describing: waiting.exchange.peer.ip)
      line.add(.milliseconds, gateway.clock.now / 1000 - (cookie.session.unixMilliseconds ?? 0))
      line.add(LogKey("authentication"), String(describing: cookie.authentication))
      line.add(LogKey("waited"), cookie.waits)
    }
  }

  /// The answer to a request that the log has: its response, or fault 8000 for what we do not know (item 74).
  private static func requestTaken(_ reply: GatewayLoop.Reply) -> [UInt8] {
    guard let request = reply.request else { return fault(.internalError, reply) }
    return EnvelopeWriter(namespace: reply.namespace).response(to: request, id: reply.id)
  }

  /// A fault of ours, with status 200 (item 2).
  static func fault(_ fault: CWMPFault, _ reply: GatewayLoop.Reply) -> [UInt8] {
    EnvelopeWriter(namespace: reply.namespace).fault(fault, id: reply.id)
  }
}
