import COpenSSL

/// What servers and clients share of OpenSSL.
enum TLS {
  static func makeContext(_ method: OpaquePointer?, _ operation: String) throws(NetworkingError) -> OpaquePointer {
    // OpenSSL writes without MSG_NOSIGNAL.
    ProcessLimits.ignoreBrokenPipes()
    ERR_clear_error()
    guard let context = SSL_CTX_new(method) else {
      throw NetworkingError(.tls, operation, detail: reason())
    }
    carillon_tls_set_min_version(context, TLS1_2_VERSION)
    // Partial writes, from memory that may move (our backlog), and no buffers on idle connections.
    carillon_tls_set_mode(
      context, Int(SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS))
    // A record's header and body in one system call.
    carillon_tls_set_read_ahead(context)
    // CPEs close without close_notify; HTTP's own framing tells whether a message was complete.
    SSL_CTX_set_options(context, UInt64(1) << 7 | UInt64(1) << 30)  // SSL_OP_IGNORE_UNEXPECTED_EOF, NO_RENEGOTIATION
    return context
  }

  static func check(_ result: CInt, _ operation: String) throws(NetworkingError) {
    guard result != 1 else { return }
    throw NetworkingError(.tls, operation, detail: reason())
  }

  /// OpenSSL's reasons of this thread, oldest first; clears them.
  static func reason() -> String {
    var reasons: [String] = []
    while case let code = ERR_get_error(), code != 0 {
      if let reason = ERR_reason_error_string(code) { reasons.append(String(cString: reason)) }
    }
    return reasons.isEmpty ? "no reason given by OpenSSL" : reasons.joined(separator: ", ")
  }
}
