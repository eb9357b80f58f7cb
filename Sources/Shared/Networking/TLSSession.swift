import COpenSSL

/// A TLS session of a client, to be resumed by a later connection: a full handshake costs ten times as much.
///
/// `@unchecked Sendable`, because it is not changed here, and OpenSSL counts its references atomically.
public final class TLSSession: @unchecked Sendable {
  let session: OpaquePointer

  init(_ session: OpaquePointer) { self.session = session }

  deinit { SSL_SESSION_free(session) }
}
