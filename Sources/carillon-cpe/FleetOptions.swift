import CPESimulator
import CWMP
import Glibc
import Networking
import Operations

/// A fleet's settings from the command line.
struct FleetOptions {
  let settings: FleetSettings
  let loops: Int
  let duration: Double?
  let sessions: Int?
  let untilProvisioned: Bool
  let warmUp: Double

  init(_ arguments: Arguments) throws {
    let isLoad = arguments.command == ["load"]
    var settings = FleetSettings(
      url: arguments.value("url") ?? Self.environment("CARILLON_CWMP_URL") ?? "http://127.0.0.1:7547/",
      count: try arguments.integer("cpes", in: 1...10_000_000) ?? 100)
    settings.firstIndex = UInt32((try arguments.integer("first", in: 1...90_000_000) ?? 1) - 1)
    settings.seed = UInt64(try arguments.integer("seed") ?? 1)
    settings.informParameters = try arguments.integer("parameters", in: 1...1_000) ?? 25
    settings.valuePadding = try arguments.integer("value-padding", in: 0...64 << 20) ?? 0
    settings.connectionLimit = try arguments.integer("connections", in: 1...100_000) ?? (isLoad ? 64 : 8_000)
    settings.loopbackSources = try arguments.integer("sources", in: 1...65_000) ?? (isLoad ? 16 : 1)
    settings.responseDeadline = .seconds(try arguments.integer("timeout", in: 1...3_600) ?? 30)
    settings.sendsBasicAtOnce = arguments.has("basic")
    settings.historyFile = arguments.value("history")
    loops = try arguments.integer("loops", in: 1...64) ?? 1
    duration = try Self.number("duration", arguments)
    sessions =
      try arguments.integer("sessions", in: 1...Int.max) ?? (arguments.has("once") ? settings.count : nil)
    settings.changedFraction = try Self.number("changed", arguments) ?? 0
    untilProvisioned = arguments.has("until-provisioned")
    warmUp = try Self.number("warm-up", arguments) ?? 0
    try Self.models(arguments, &settings)
    try Self.credentials(arguments, &settings)
    try Self.tls(arguments, &settings)
    if isLoad { try Self.load(arguments, &settings) } else { try Self.life(arguments, &settings) }
    self.settings = settings
  }

  private static func models(_ arguments: Arguments, _ settings: inout FleetSettings) throws {
    let names = arguments.values("model")
    guard !names.isEmpty else { return }
    settings.models = try names.map { name in
      guard let model = DeviceModel.BuiltIn(rawValue: name) else {
        throw failure(arguments, "--model takes tr181 or tr098, not '\(name)'")
      }
      return model
    }
  }

  private static func credentials(_ arguments: Arguments, _ settings: inout FleetSettings) throws {
    if let file = arguments.value("password-file") {
      settings.knownPassword = PasswordRule(line(try FileContents.readSecret(file)))
    }
    let text =
      try arguments.value("bootstrap").map { line(try FileContents.readSecret($0)) }
      ?? environment("CARILLON_CWMP_BOOTSTRAP")
    guard let text else {
      guard settings.knownPassword != nil else {
        throw failure(arguments, "a credential is missing: --bootstrap, --password-file or $CARILLON_CWMP_BOOTSTRAP")
      }
      return
    }
    guard let credentials = ACSCredentials(text) else {
      throw failure(arguments, "the bootstrap credential must have the form user:password")
    }
    settings.bootstrap = credentials
  }

  private static func tls(_ arguments: Arguments, _ settings: inout FleetSettings) throws {
    guard settings.url.hasPrefix("https") else { return }
    settings.tls = try TLSClientContext(authorities: arguments.value("ca"), verifies: !arguments.has("insecure"))
  }

  private static func load(_ arguments: Arguments, _ settings: inout FleetSettings) throws {
    let events = arguments.values("event")
    if !events.isEmpty { settings.loadEvents = events.map { EventCode($0) } }
    settings.isOnceEach = arguments.has("once")
    settings.retriesLoad = arguments.has("retries")
    settings.trustsInformResponses = true
    if let rate = try number("rate", arguments), rate > 0 {
      settings.pace = .openLoop(sessionsPerSecond: rate)
      if !arguments.has("connections") { settings.connectionLimit = 8_000 }
    } else {
      settings.pace = .closedLoop(sessions: settings.connectionLimit)
    }
  }

  private static func life(_ arguments: Arguments, _ settings: inout FleetSettings) throws {
    settings.periodicInterval = UInt32(try arguments.integer("interval", in: 1...86_400 * 365) ?? 300)
    settings.retry.minimumWaitMilliseconds = Int64(try arguments.integer("retry-ms", in: 1...3_600_000) ?? 5_000)
    settings.bootDelay = .milliseconds(try arguments.integer("boot-ms", in: 0...3_600_000) ?? 2_000)
    settings.bootFraction = try number("boots", arguments) ?? 0
    let rate = try number("rate", arguments)
    settings.pace = .living(
      bootSeconds: rate.map { Double(settings.count) / max($0, 0.001) } ?? Double(settings.periodicInterval))
    let listen = arguments.value("listen") ?? "127.0.0.1:0"
    settings.callback = listen == "none" ? nil : try SocketAddress(listen)
    if let text = arguments.value("callback") {
      guard let ip = IPAddress(text), ip.isIPv4 else { throw failure(arguments, "--callback takes an IPv4 address") }
      settings.callbackHost = ip
    } else if let ip = settings.callback?.ip, ip.isIPv4, ip.description != "0.0.0.0", settings.loopbackSources == 1 {
      settings.callbackHost = ip
    }
    for text in arguments.values("misbehave") { settings.misbehaviours.append(try misbehaviour(text, arguments)) }
    for text in arguments.values("expect") {
      let (path, value) = try pair(text, "expect", arguments)
      settings.expectedValues[path] = value
    }
  }

  private static func misbehaviour(
    _ text: String, _ arguments: Arguments
  ) throws -> (kind: Misbehaviours, fraction: Double) {
    let (name, part) = try pair(text, "misbehave", arguments)
    guard let kind = Misbehaviours(name: name), let fraction = Double(part), (0...1).contains(fraction) else {
      throw failure(arguments, "--misbehave takes KIND=PART with a part from 0 to 1, not '\(text)'")
    }
    return (kind, fraction)
  }

  private static func pair(_ text: String, _ option: String, _ arguments: Arguments) throws -> (String, String) {
    guard let equals = text.firstIndex(of: "=") else { throw failure(arguments, "--\(option) takes NAME=VALUE") }
    return (String(text[..<equals]), String(text[text.index(after: equals)...]))
  }

  private static func number(_ option: String, _ arguments: Arguments) throws -> Double? {
    guard let text = arguments.value(option) else { return nil }
    guard let number = Double(text), number >= 0, number.isFinite else {
      throw failure(arguments, "--\(option) takes a number, not '\(text)'")
    }
    return number
  }

  private static func failure(_ arguments: Arguments, _ reason: String) -> UsageError {
    UsageError(command: (["carillon-cpe"] + arguments.command).joined(separator: " "), reason: reason)
  }

  private static func line(_ bytes: [UInt8]) -> String {
    String(decoding: bytes.prefix { $0 != 0x0A && $0 != 0x0D }, as: UTF8.self)
  }

  static func environment(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
  }
}
