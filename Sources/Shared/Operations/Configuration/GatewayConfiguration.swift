/// `gateway`: the CWMP side.
public struct GatewayConfiguration: Sendable {
  /// Where CPEs connect to; plain HTTP on 7547 where nothing is configured.
  public var listeners: [ListenerConfiguration]
  /// Event loops; 0 is one for every two cores.
  public var loops: Int
  /// How CPEs prove who they are.
  public var authentication: AuthenticationConfiguration
  /// What a CPE may send.
  public var limits: GatewayLimits
  /// Images and other files that CPEs download.
  public var files: FilesConfiguration
  /// How long it serves on, not ready any more, after it was told to stop: until load balancers have seen that.
  public var drain: Duration

  init(_ reader: ConfigurationReader) {
    let items = reader.list("listeners")
    listeners = items.map(ListenerConfiguration.init)
    if items.isEmpty { listeners = [ListenerConfiguration(address: "0.0.0.0", port: 7547)] }
    loops = reader.integer("loops", default: 0, in: 0...256)
    authentication = AuthenticationConfiguration(reader.section("authentication"))
    limits = GatewayLimits(reader.section("limits"))
    files = FilesConfiguration(reader.section("files"))
    drain = reader.duration("drain", default: .seconds(5), in: .zero...(.seconds(120)))
  }
}

/// One of `gateway.listeners`.
public struct ListenerConfiguration: Sendable {
  /// Whether a connection tells who the CPE is, for CPEs that return no cookie.
  public enum ConnectionIdentity: String, CaseIterable, Sendable {
    /// No: a proxy shares connections between CPEs.
    case none
    /// Yes: CPEs connect to us without a proxy.
    case direct
    /// Yes: a proxy passes each CPE's connection on, with a PROXY protocol v2 header.
    case proxyV2 = "proxy-v2"
  }

  /// The address to listen on.
  public var address: String
  /// 7547; 7548 with TLS.
  public var port: Int
  /// PEM certificate chain; TLS where it is given.
  public var certificateFile: String?
  /// PEM key.
  public var keyFile: String?
  /// Whether TLS 1.0 and 1.1 and weak keys are accepted here, for old CPEs.
  public var allowsLegacyTLS: Bool
  /// Whether a connection is one CPE.
  public var connectionIdentity: ConnectionIdentity
  /// Addresses or networks (`10.0.0.0/8`) whose PROXY header is believed; needed with `proxy-v2`.
  public var proxyPeers: [String]

  /// A plain listener.
  public init(address: String, port: Int) {
    self.address = address
    self.port = port
    allowsLegacyTLS = false
    connectionIdentity = .none
    proxyPeers = []
  }

  init(_ reader: ConfigurationReader) {
    address = reader.text("address", default: "0.0.0.0")
    certificateFile = reader.text("certificate_file")
    keyFile = reader.text("key_file")
    port = reader.integer("port", default: certificateFile == nil ? 7547 : 7548, in: 0...65_535)
    allowsLegacyTLS = reader.boolean("allow_legacy_tls", default: false)
    connectionIdentity = reader.choice("connection_identity", default: ConnectionIdentity.none)
    proxyPeers = reader.texts("proxy_peers")
    if (certificateFile == nil) != (keyFile == nil) {
      let key = keyFile == nil ? "certificate_file" : "key_file"
      reader.report("certificate_file and key_file belong together", key: key)
    }
    if connectionIdentity == .proxyV2, proxyPeers.isEmpty {
      reader.report("proxy-v2 needs proxy_peers: anybody else could name any address", key: "connection_identity")
    }
  }
}

/// `gateway.authentication`.
public struct AuthenticationConfiguration: Sendable {
  /// Whether Basic is offered and accepted; over plain HTTP only with ``allowsBasicWithoutTLS`` (item 102).
  public var basic: Bool
  /// Whether Digest is offered and accepted.
  public var digest: Bool
  /// Whether a pre-emptive Basic over plain HTTP is accepted, for trusted access networks.
  public var allowsBasicWithoutTLS: Bool
  /// Whether CPEs without any proof are accepted: for laboratories.
  public var allowsUnauthenticated: Bool
  /// The realm of challenges.
  public var realm: String
  /// The shared credential of CPEs that have none of their own; `nil` where there is no such thing.
  public var bootstrap: BootstrapCredential?

  init(_ reader: ConfigurationReader) {
    basic = reader.boolean("basic", default: true)
    digest = reader.boolean("digest", default: true)
    allowsBasicWithoutTLS = reader.boolean("allow_basic_without_tls", default: false)
    allowsUnauthenticated = reader.boolean("allow_unauthenticated", default: false)
    realm = reader.text("realm", default: "carillon")
    let section = reader.section("bootstrap")
    let username = section.text("username")
    let password = section.secret("password")
    bootstrap = username.flatMap { name in password.map { BootstrapCredential(username: name, password: $0) } }
    if (username == nil) != (password == nil) {
      section.report("username and password_file belong together", key: username == nil ? "password_file" : "username")
    }
    if !basic, !digest, !allowsUnauthenticated {
      reader.report(
        "neither basic nor digest: no CPE could come in; `allow_unauthenticated: true` lets all", key: "basic")
    }
  }
}

/// `gateway.authentication.bootstrap`.
public struct BootstrapCredential: Sendable {
  /// What unknown CPEs call themselves.
  public var username: String
  /// Their password.
  public var password: SecretSource
}

/// `gateway.limits`.
public struct GatewayLimits: Sendable {
  /// Body of an authenticated request.
  public var body: Int
  /// Body before authentication.
  public var unauthenticatedBody: Int
  /// Request line and header fields; below 64 KiB, for a head is told apart by offsets of 16 bits.
  public var head: Int
  /// Connections of the process, over all listeners; 0 takes them from the limit of open files.
  public var connections: Int
  /// Bytes of bodies in memory over all connections, from their first byte to their answer.
  public var bodyBudget: Int
  /// How long a head may take.
  public var headDeadline: Duration
  /// How long a body may take in all, if it goes on at 500 bytes a second and is never silent for 30 s.
  public var bodyDeadline: Duration
  /// How long a POST waits for its directive.
  public var directiveDeadline: Duration
  /// By when every POST is answered or refused.
  public var answerDeadline: Duration
  /// How long an idle connection is kept.
  public var idle: Duration

  init(_ reader: ConfigurationReader) {
    body = reader.size("body", default: 16 << 20, in: 64 << 10...64 << 20)
    unauthenticatedBody = reader.size("unauthenticated_body", default: 256 << 10, in: 16 << 10...16 << 20)
    head = reader.size("head", default: 16 << 10, in: 2 << 10...63 << 10)
    connections = reader.integer("connections", default: 0, in: 0...10_000_000)
    bodyBudget = reader.size("body_budget", default: 256 << 20, in: 16 << 20...64 << 30)
    headDeadline = reader.duration("head_deadline", default: .seconds(10), in: .seconds(1)...(.seconds(120)))
    bodyDeadline = reader.duration("body_deadline", default: .seconds(600), in: .seconds(1)...(.seconds(3600)))
    directiveDeadline = reader.duration(
      "directive_deadline", default: .seconds(5), in: .milliseconds(500)...(.seconds(25)))
    answerDeadline = reader.duration("answer_deadline", default: .seconds(10), in: .seconds(1)...(.seconds(29)))
    idle = reader.duration("idle", default: .seconds(60), in: .seconds(1)...(.seconds(3600)))
    if directiveDeadline > answerDeadline {
      reader.report("must not exceed answer_deadline", key: "directive_deadline")
    }
  }
}

/// `gateway.files`: what CPEs download from the gateways.
public struct FilesConfiguration: Sendable {
  /// The directory with the files; `nil` serves none.
  public var directory: String?
  /// What CPEs are told, such as `https://acs.example.net:7548/files`.
  public var publicURL: String?

  init(_ reader: ConfigurationReader) {
    directory = reader.text("directory")
    publicURL = reader.text("public_url")
    if publicURL != nil, directory == nil { reader.report("needs 'directory'", key: "public_url") }
  }
}
