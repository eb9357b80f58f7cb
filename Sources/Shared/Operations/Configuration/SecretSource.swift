/// Where a secret comes from. Describes itself without it.
public enum SecretSource: Sendable {
  /// A file that others cannot read; a line feed at its end is not part of the secret.
  case file(String)
  /// The value of an environment variable.
  case value(String)

  /// The secret's text.
  ///
  /// - Throws: ``FileError``, also for an empty file.
  public func load() throws(FileError) -> String {
    switch self {
    case .value(let text): return text
    case .file(let path):
      var bytes = try FileContents.readSecret(path)
      while let last = bytes.last, last == 0x0A || last == 0x0D { bytes.removeLast() }
      guard !bytes.isEmpty else { throw FileError(path: path, reason: "is empty; it should hold a secret") }
      return String(decoding: bytes, as: UTF8.self)
    }
  }
}

extension SecretSource: CustomStringConvertible, CustomReflectable {
  /// The file, or `environment`.
  public var description: String {
    switch self {
    case .file(let path): path
    case .value: "environment"
    }
  }

  /// No children.
  public var customMirror: Mirror { Mirror(self, children: []) }
}
