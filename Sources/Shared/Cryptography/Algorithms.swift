import COpenSSL

/// The algorithms of OpenSSL that this module uses, fetched once: a fetch costs more than hashing a kilobyte.
struct Algorithms: @unchecked Sendable {
  // Proof for @unchecked: an EVP_MD, EVP_MAC or EVP_CIPHER is immutable once fetched and its reference count is atomic
  // (OpenSSL's provider documentation), these are never freed, and all fields are `let`.
  let sha256: OpaquePointer
  let md5: OpaquePointer
  let hmac: OpaquePointer
  let aes256GCM: OpaquePointer

  /// The process's algorithms. First use traps, with a message, on an OpenSSL that lacks one: `OpenSSLProvider.check`
  /// at start tells it as an error instead.
  static let shared: Algorithms = {
    guard let algorithms = Algorithms() else { preconditionFailure("OpenSSL lacks SHA-256, MD5, HMAC or AES-256-GCM") }
    return algorithms
  }()

  init?() {
    guard let sha256 = EVP_MD_fetch(nil, "SHA256", nil), let hmac = EVP_MAC_fetch(nil, "HMAC", nil),
      let aes256GCM = EVP_CIPHER_fetch(nil, "AES-256-GCM", nil), let md5 = Self.fetchMD5()
    else { return nil }
    self.sha256 = sha256
    self.md5 = md5
    self.hmac = hmac
    self.aes256GCM = aes256GCM
  }

  /// MD5 is what HTTP Digest of TR-069 §3.4.5 is made of; where a FIPS configuration hides it, it comes from a library
  /// context of its own, used for nothing else.
  private static func fetchMD5() -> OpaquePointer? {
    ERR_set_mark()
    defer { ERR_pop_to_mark() }
    if let md5 = EVP_MD_fetch(nil, "MD5", nil) { return md5 }
    guard let context = OSSL_LIB_CTX_new(), OSSL_PROVIDER_load(context, "default") != nil else { return nil }
    return EVP_MD_fetch(context, "MD5", nil)
  }
}

/// The OpenSSL that the process runs with.
public enum OpenSSLProvider {
  /// Asks for every algorithm that Carillon uses, to be called once at start.
  ///
  /// - Throws: ``CryptographyError/algorithmsUnavailable``.
  public static func check() throws(CryptographyError) {
    guard Algorithms() != nil else { throw .algorithmsUnavailable }
  }
}
