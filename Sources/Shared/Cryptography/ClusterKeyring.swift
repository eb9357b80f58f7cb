/// The cluster secret and its predecessors: the first makes, all of them verify and open.
///
/// To exchange the secret: write the new one as the second line everywhere and restart all processes, then as the
/// first. The old line stays: what is at rest in PostgreSQL (devices' passwords above all) is not sealed anew, and
/// without the secret that it was sealed with it does not open. So a secret that others know makes nothing new any
/// more, but what they have copied they can read.
public struct ClusterKeyring: Sendable {
  /// Makes everything new.
  public let current: ClusterSecret
  /// All that are accepted, the current one first.
  public let all: [ClusterSecret]

  /// A keyring of one secret.
  public init(_ secret: ClusterSecret) {
    self.init(current: secret, all: [secret])
  }

  private init(current: ClusterSecret, all: [ClusterSecret]) {
    self.current = current
    self.all = all
  }

  /// The keyring in a secret file's contents: 32 raw bytes, or one secret a line as 64 hexadecimal digits or base64.
  /// Empty lines and lines that begin with `#` are skipped.
  ///
  /// - Throws: ``CryptographyError/malformedSecret(line:)``.
  public init(fileContents: [UInt8]) throws(CryptographyError) {
    if fileContents.count == 32 {
      self.init(try ClusterSecret(bytes: fileContents))
      return
    }
    var secrets: [ClusterSecret] = []
    for (index, line) in fileContents.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
      let text = Array(line.filter { $0 != 0x20 && $0 != 0x0D && $0 != 0x09 })
      if text.isEmpty || text.first == UInt8(ascii: "#") { continue }
      let bytes = text.count == 64 ? Hex.decode(text.span) : Base64.decode(text.span) ?? Base64.decode(text.span, .url)
      guard let bytes, bytes.count == 32 else { throw .malformedSecret(line: index + 1) }
      secrets.append(try ClusterSecret(bytes: bytes))
    }
    guard let first = secrets.first else { throw .malformedSecret(line: 0) }
    self.init(current: first, all: secrets)
  }

  /// The keys of a purpose that changes them daily, for a day since 1970 (UTC), the current secret's first.
  public func keys(for purpose: ClusterSecret.Purpose, day: Int64, count: Int = 32) -> [SecretKey] {
    let context = withUnsafeBytes(of: day.bigEndian) { Array($0) }
    return all.map { $0.key(for: purpose, context: context, count: count) }
  }

  /// The secret of a name; `nil` where it is not (or no longer) known.
  public func secret(id: UInt32) -> ClusterSecret? {
    all.first { $0.id == id }
  }
}
