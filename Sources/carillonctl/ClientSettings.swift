import Glibc
import Operations

/// Where the API is and how to prove who we are: from the environment, else from `~/.config/carillonctl`. A token is
/// never taken from the command line, which every user of the machine can read.
struct ClientSettings: Sendable {
  /// Such as `https://acs.example.net:8080`, without `/api/v1`.
  var url = "http://127.0.0.1:8080"
  var token = ""
  /// PEM file of the certificates to trust; nil: the system's.
  var authorities: String?

  /// Why the settings are of no use.
  struct Failure: Error, CustomStringConvertible {
    /// `EX_CONFIG` of sysexits.h.
    static let exitCode: Int32 = 78

    let description: String
  }

  static func load() throws(Failure) -> ClientSettings {
    var settings = ClientSettings()
    let path =
      variable("XDG_CONFIG_HOME").map { "\($0)/carillonctl" } ?? "\(variable("HOME") ?? "")/.config/carillonctl"
    if access(path, F_OK) == 0 { try settings.read(path) }
    if let url = variable("CARILLON_API_URL") { settings.url = url }
    if let token = variable("CARILLON_API_TOKEN") { settings.token = token }
    if let file = variable("CARILLON_API_CA") { settings.authorities = file }
    while settings.url.hasSuffix("/") { settings.url.removeLast() }
    guard settings.url.hasPrefix("http://") || settings.url.hasPrefix("https://") else {
      throw Failure(description: "CARILLON_API_URL is to begin with http:// or https://, not '\(settings.url)'")
    }
    guard !settings.token.isEmpty else {
      throw Failure(
        description: """
          no token: set CARILLON_API_TOKEN, or write 'token: …' into \(path) (mode 0600); \
          'carillon token create NAME' makes one
          """)
    }
    return settings
  }

  /// Lines of `url: …`, `token: …`, `ca: …`; `#` begins a comment.
  private mutating func read(_ path: String) throws(Failure) {
    let text: String
    do throws(FileError) {
      text = String(decoding: try FileContents.readSecret(path), as: UTF8.self)
    } catch {
      throw Failure(description: "\(error)")
    }
    for (index, line) in text.lines.enumerated() {
      let line = Self.trimmed(line)
      if line.isEmpty || line.hasPrefix("#") { continue }
      let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      let value = parts.count == 2 ? Self.trimmed(parts[1]) : ""
      switch Self.trimmed(parts[0]) {
      case "url": url = value
      case "token": token = value
      case "ca": authorities = value
      default: throw Failure(description: "\(path):\(index + 1): known are url, token and ca, as 'name: value'")
      }
    }
  }

  private static func trimmed(_ text: some StringProtocol) -> String {
    String(text.drop { $0 == " " || $0 == "\t" }.reversed().drop { $0 == " " || $0 == "\t" || $0 == "\r" }.reversed())
  }

  private static func variable(_ name: String) -> String? {
    guard let value = getenv(name) else { return nil }
    let text = String(cString: value)
    return text.isEmpty ? nil : text
  }
}
