import CPESimulator
import Networking
import Operations

/// `carillon-cpe verify`: exit status 0 if history and server agree, 3 if they do not.
struct VerifyCommand {
  private let history: String
  private let api: String
  private let token: String
  private let printsJSON: Bool

  init(_ arguments: Arguments) throws {
    guard let history = arguments.value("history") else {
      throw UsageError(command: "carillon-cpe verify", reason: "--history is missing")
    }
    guard let api = arguments.value("api") ?? FleetOptions.environment("CARILLON_API_URL") else {
      throw UsageError(command: "carillon-cpe verify", reason: "--api is missing, and $CARILLON_API_URL")
    }
    let file = try arguments.value("token-file").map { try FileContents.readSecret($0) }
    let text = file.map { String(decoding: $0.prefix { $0 > 0x20 }, as: UTF8.self) }
    guard let token = text ?? FleetOptions.environment("CARILLON_API_TOKEN") else {
      throw UsageError(command: "carillon-cpe verify", reason: "--token-file is missing, and $CARILLON_API_TOKEN")
    }
    self.history = history
    self.api = api
    self.token = token
    printsJSON = arguments.has("json")
  }

  func execute() async throws -> Int32 {
    var histories: [String: DeviceHistory] = [:]
    try HistoryReader.read(history) { entry in histories[entry.cpe, default: DeviceHistory()].add(entry) }
    let loop = try EventLoop(name: "verify")
    let client = try VerificationClient(api: api, token: token, on: loop)
    let found = try await client.differences(of: histories)
    await client.close()
    await loop.shutdown()
    report(found, devices: histories.count)
    return found.isEmpty ? 0 : 3
  }

  private func report(_ found: [Difference], devices: Int) {
    if printsJSON {
      let items = found.map { difference in
        "{\"device\":\(quoted(difference.device)),\"kind\":\(quoted(difference.kind.rawValue)),"
          + "\"detail\":\(quoted(difference.detail))}"
      }
      return print("{\"devices\":\(devices),\"differences\":[\(items.joined(separator: ","))]}")
    }
    for difference in found { print(difference) }
    print(found.isEmpty ? "\(devices) devices, no difference" : "\(devices) devices, \(found.count) differences")
  }

  private func quoted(_ text: String) -> String {
    var result = "\""
    for character in text.unicodeScalars {
      switch character {
      case "\"", "\\": result += "\\\(character)"
      case "\u{0}"..<" ": result += " "
      default: result.unicodeScalars.append(character)
      }
    }
    return result + "\""
  }
}
