import COpenSSL

/// One TLS connection over a non-blocking socket.
final class TLSStream {
  enum Handshake {
    case done
    case wantRead
    case wantWrite
    case failed(ConnectionEnd)
  }

  private let ssl: OpaquePointer
  /// Keeps the context's ticket keys while this lives.
  private let context: AnyObject
  private var broken = false

  init?(_ context: TLSServerContext, descriptor: CInt) {
    guard let ssl = SSL_new(context.context) else { return nil }
    self.ssl = ssl
    self.context = context
    SSL_set_fd(ssl, descriptor)
    SSL_set_accept_state(ssl)
  }

  init?(_ context: TLSClientContext, serverName: String?, peer: IPAddress, resuming: TLSSession?, descriptor: CInt) {
    guard let ssl = SSL_new(context.context) else { return nil }
    self.ssl = ssl
    self.context = context
    SSL_set_fd(ssl, descriptor)
    SSL_set_connect_state(ssl)
    if let resuming { SSL_set_session(ssl, resuming.session) }
    if let serverName {
      carillon_tls_set_server_name(ssl, serverName)
      if context.verifies { SSL_set1_host(ssl, serverName) }
    } else if context.verifies {
      X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), peer.description)
    }
  }

  deinit { SSL_free(ssl) }

  var hasPending: Bool { SSL_has_pending(ssl) == 1 }

  var summary: String { String(cString: SSL_get_version(ssl)) + (SSL_session_reused(ssl) == 1 ? " resumed" : "") }

  /// What a later connection may resume; complete once the server's ticket has been read, with its first data.
  var session: TLSSession? {
    guard let session = SSL_get1_session(ssl) else { return nil }
    guard SSL_SESSION_is_resumable(session) == 1 else {
      SSL_SESSION_free(session)
      return nil
    }
    return TLSSession(session)
  }

  func handshake() -> Handshake {
    ERR_clear_error()
    let result = SSL_do_handshake(ssl)
    if result == 1 { return .done }
    switch SSL_get_error(ssl, result) {
    case SSL_ERROR_WANT_READ: return .wantRead
    case SSL_ERROR_WANT_WRITE: return .wantWrite
    case SSL_ERROR_ZERO_RETURN: return .failed(.closedByPeer)
    case SSL_ERROR_SYSCALL where ERR_peek_error() == 0: return .failed(.closedByPeer)
    default:
      broken = true
      return .failed(.failed("TLS handshake: \(TLS.reason())"))
    }
  }

  func read(into buffer: UnsafeMutableBufferPointer<UInt8>) -> StreamResult {
    ERR_clear_error()
    let count = SSL_read(ssl, buffer.baseAddress, CInt(clamping: buffer.count))
    return count > 0 ? .bytes(Int(count)) : failure(count)
  }

  /// Writes as much as the socket takes.
  func write(_ buffer: UnsafeBufferPointer<UInt8>) -> StreamResult {
    var written = 0
    while written < buffer.count {
      ERR_clear_error()
      let rest = UnsafeBufferPointer(rebasing: buffer[written...])
      let count = SSL_write(ssl, rest.baseAddress, CInt(clamping: rest.count))
      if count <= 0 {
        if case .wouldBlock = failure(count) { break }
        return .failed(.closedByPeer)
      }
      written += Int(count)
    }
    return .bytes(written)
  }

  /// Sends close_notify, if the stream is not broken; does not wait for the other side's.
  func shutdown() {
    guard !broken, SSL_is_init_finished(ssl) == 1 else { return }
    ERR_clear_error()
    SSL_shutdown(ssl)
  }

  private func failure(_ result: CInt) -> StreamResult {
    switch SSL_get_error(ssl, result) {
    case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE:
      return .wouldBlock
    case SSL_ERROR_ZERO_RETURN:
      return .end
    case SSL_ERROR_SYSCALL where ERR_peek_error() == 0:
      broken = true
      return .failed(.closedByPeer)
    default:
      broken = true
      return .failed(.failed("TLS: \(TLS.reason())"))
    }
  }
}
