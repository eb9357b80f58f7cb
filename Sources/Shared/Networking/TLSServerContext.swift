import COpenSSL
import Glibc

/// A server's TLS settings: certificate chain, key, ticket keys. One is shared by all listeners and loops; to reload
/// certificates, make a new one and give it to the listeners. TLS 1.2 and above unless old CPEs are let in by name, no
/// renegotiation, no ALPN.
///
/// `@unchecked Sendable`, because the SSL_CTX is not changed after `init`, and OpenSSL counts its references and locks
/// what `SSL_new` touches in it.
public final class TLSServerContext: @unchecked Sendable {
  let context: OpaquePointer
  private let ticketKeys: TicketKeys?

  /// Reads a PEM certificate chain (the server's own certificate first) and its unencrypted key.
  ///
  /// - Parameter allowsLegacy: also takes TLS 1.0 and 1.1 and keys and signatures that are weak today, for CPEs that
  ///   know no better.
  /// - Throws: `NetworkingError` (`.tls`) with the file and OpenSSL's reason.
  public init(
    certificateChain: String, privateKey: String, ticketKeys: TicketKeys? = nil, allowsLegacy: Bool = false
  ) throws(NetworkingError) {
    context = try TLS.makeContext(TLS_server_method(), "TLS server")
    if allowsLegacy {
      carillon_tls_set_min_version(context, TLS1_VERSION)
      // OpenSSL 3 has TLS below 1.2 at level 0 only: its signatures are SHA-1's.
      SSL_CTX_set_security_level(context, 0)
    }
    self.ticketKeys = ticketKeys
    carillon_tls_set_session_cache_off(context)
    SSL_CTX_set_num_tickets(context, 1)
    try TLS.check(SSL_CTX_use_certificate_chain_file(context, certificateChain), "TLS certificate \(certificateChain)")
    try TLS.check(SSL_CTX_use_PrivateKey_file(context, privateKey, SSL_FILETYPE_PEM), "TLS key \(privateKey)")
    try TLS.check(SSL_CTX_check_private_key(context), "TLS key \(privateKey) for \(certificateChain)")
    guard ticketKeys != nil else { return }
    // The callback finds the ring through the SSL_CTX, which this object outlives: every stream keeps a reference to
    // it.
    SSL_CTX_set_ex_data(context, 0, Unmanaged.passUnretained(self).toOpaque())
    carillon_tls_set_ticket_callback(context) { ssl, name, iv, cipher, mac, sealing in
      guard let ssl, let name, let iv, let cipher, let mac,
        let owner = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), 0)
      else { return -1 }
      return Unmanaged<TLSServerContext>.fromOpaque(owner)._withUnsafeGuaranteedRef {
        $0.prepareTicket(name, iv, cipher, mac, sealing: sealing == 1)
      }
    }
  }

  deinit { SSL_CTX_free(context) }

  /// OpenSSL's contract: 1 done, 0 no such key, 2 done but issue a new ticket, -1 error.
  private func prepareTicket(
    _ name: UnsafeMutablePointer<UInt8>, _ iv: UnsafeMutablePointer<UInt8>, _ cipher: OpaquePointer,
    _ mac: OpaquePointer, sealing: Bool
  ) -> CInt {
    guard let keys = ticketKeys?.current, !keys.isEmpty else { return -1 }
    let index =
      sealing
      ? 0 : keys.firstIndex { $0.withUnsafeBytes { $0.starts(with: UnsafeRawBufferPointer(start: name, count: 16)) } }
    guard let index else { return 0 }
    return keys[index].withUnsafeBufferPointer { key -> CInt in
      guard let start = key.baseAddress else { return -1 }
      if sealing {
        memcpy(name, start, 16)
        guard RAND_bytes(iv, 16) == 1 else { return -1 }
      }
      let prepared =
        sealing
        ? EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), nil, start + 16, iv)
        : EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), nil, start + 16, iv)
      guard prepared == 1, carillon_mac_set_hmac_sha256(mac, start + 48, 32) == 1 else { return -1 }
      return sealing || index == 0 ? 1 : 2
    }
  }
}
