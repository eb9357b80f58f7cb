import COpenSSL

/// AES-256-GCM (NIST SP 800-38D) with 12-byte nonces and 16-byte tags.
enum AESGCM {
  static let nonceSize = 12
  static let tagSize = 16

  /// Appends ciphertext and tag to `output`.
  static func seal(
    _ plaintext: Span<UInt8>, key: SecretKey, nonce: [UInt8], associatedData: Span<UInt8>, onto output: inout [UInt8]
  ) throws(CryptographyError) {
    let context = try Context(key: key, nonce: nonce, encrypts: true)
    try context.authenticate(associatedData)
    try context.transform(plaintext, onto: &output)
    var tag = [UInt8](repeating: 0, count: tagSize)
    guard EVP_EncryptFinal_ex(context.pointer, &tag, &context.ignored) == 1,
      EVP_CIPHER_CTX_ctrl(context.pointer, EVP_CTRL_GCM_GET_TAG, Int32(tagSize), &tag) == 1
    else { throw .operationFailed }
    output += tag
  }

  /// The plaintext of ciphertext and tag.
  static func open(
    _ sealed: Span<UInt8>, key: SecretKey, nonce: [UInt8], associatedData: Span<UInt8>
  ) throws(CryptographyError) -> [UInt8] {
    let size = sealed.count - tagSize
    guard size >= 0 else { throw .malformedSeal }
    let context = try Context(key: key, nonce: nonce, encrypts: false)
    try context.authenticate(associatedData)
    var plaintext: [UInt8] = []
    try context.transform(sealed.extracting(0..<size), onto: &plaintext)
    var tag: [UInt8] = []
    for index in size..<sealed.count { tag.append(sealed[index]) }
    var rest = [UInt8](repeating: 0, count: tagSize)
    guard EVP_CIPHER_CTX_ctrl(context.pointer, EVP_CTRL_GCM_SET_TAG, Int32(tagSize), &tag) == 1 else {
      throw .operationFailed
    }
    guard EVP_DecryptFinal_ex(context.pointer, &rest, &context.ignored) == 1 else { throw .forgedSeal }
    return plaintext
  }

  /// One operation's context.
  private final class Context {
    let pointer: OpaquePointer
    var ignored: Int32 = 0

    init(key: SecretKey, nonce: [UInt8], encrypts: Bool) throws(CryptographyError) {
      guard key.bytes.count == 32, nonce.count == nonceSize, let pointer = EVP_CIPHER_CTX_new() else {
        throw .operationFailed
      }
      self.pointer = pointer
      let done = EVP_CipherInit_ex2(
        pointer, Algorithms.shared.aes256GCM, key.bytes, nonce, encrypts ? 1 : 0, nil)
      guard done == 1 else { throw .operationFailed }
    }

    deinit { EVP_CIPHER_CTX_free(pointer) }

    func authenticate(_ associatedData: Span<UInt8>) throws(CryptographyError) {
      if associatedData.isEmpty { return }
      let done = associatedData.withUnsafeBufferPointer {
        EVP_CipherUpdate(pointer, nil, &ignored, $0.baseAddress, Int32($0.count))
      }
      guard done == 1 else { throw .operationFailed }
    }

    func transform(_ input: Span<UInt8>, onto output: inout [UInt8]) throws(CryptographyError) {
      if input.isEmpty { return }
      guard input.count <= Int(Int32.max) else { throw .tooLarge(limit: Int(Int32.max)) }
      let start = output.count
      output.append(contentsOf: repeatElement(0, count: input.count))
      let done = output.withUnsafeMutableBufferPointer { target in
        input.withUnsafeBufferPointer {
          EVP_CipherUpdate(
            pointer, target.baseAddress.map { $0 + start }, &ignored, $0.baseAddress, Int32($0.count))
        }
      }
      guard done == 1 else { throw .operationFailed }
    }
  }
}
