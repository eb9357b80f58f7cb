/// `cluster`: what all processes share.
public struct ClusterConfiguration: Sendable {
  /// A file of mode 0600 with the 32-byte secret (`openssl rand -hex 32`), and former ones on further lines.
  public var secretFile: String

  init(_ reader: ConfigurationReader) {
    secretFile = reader.text("secret_file", default: "/etc/carillon/cluster.secret")
  }
}
