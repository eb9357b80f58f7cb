import COpenSSL

/// A client's TLS settings, for simulated CPEs and tests. (Outgoing HTTP is libcurl's and has its own.)
///
/// `@unchecked Sendable`, because the SSL_CTX is not changed after `init`, and OpenSSL counts its references and locks
/// what `SSL_new` touches in it.
public final class TLSClientContext: @unchecked Sendable {
  let context: OpaquePointer
  let verifies: Bool

  /// Trusts the certificates of a PEM file, or the system's where it is nil; `verifies: false` trusts anybody.
  ///
  /// - Throws: `NetworkingError` (`.tls`) with the file and OpenSSL's reason.
  public init(authorities: String? = nil, verifies: Bool = true) throws(NetworkingError) {
    context = try TLS.makeContext(TLS_client_method(), "TLS client")
    self.verifies = verifies
    guard verifies else { return }
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nil)
    if let authorities {
      try TLS.check(SSL_CTX_load_verify_file(context, authorities), "TLS authorities \(authorities)")
    } else {
      try TLS.check(SSL_CTX_set_default_verify_paths(context), "TLS authorities of the system")
    }
  }

  deinit { SSL_CTX_free(context) }
}
