import FoundationEssentials

/// Why a task's method and arguments are not a request.
public struct TaskRequestError: Error, Sendable, CustomStringConvertible {
  /// Where: a path into the arguments such as `parameters[2].name`, or `method`.
  public var place: String
  /// What is wrong there.
  public var what: String

  /// Creates the error.
  public init(place: String, what: String) {
    self.place = place
    self.what = what
  }

  /// Place and reason.
  public var description: String { "\(place): \(what)" }
}

// Method and arguments as they are stored and as the API takes them.
extension TaskRequest {
  /// Reads a request.
  /// - Parameters:
  ///   - method: for example `GetParameterValues`.
  ///   - arguments: a JSON object; `{}` or nothing for methods without arguments.
  /// - Throws: ``TaskRequestError`` with the place and what is wrong.
  public init(method: String, arguments: [UInt8]) throws(TaskRequestError) {
    switch method {
    case "GetRPCMethods": self = .getRPCMethods
    case "GetParameterNames":
      let value = try Self.decode(PathArguments.self, arguments)
      self = .getParameterNames(path: value.path, nextLevel: value.nextLevel ?? true)
    case "GetParameterValues":
      self = .getParameterValues(names: try Self.decode(NameArguments.self, arguments).names)
    case "GetParameterAttributes":
      self = .getParameterAttributes(names: try Self.decode(NameArguments.self, arguments).names)
    case "SetParameterValues":
      let value = try Self.decode(SettingArguments.self, arguments)
      self = .setParameterValues(value.parameters, parameterKey: value.parameterKey ?? "")
    case "SetParameterAttributes":
      self = .setParameterAttributes(try Self.decode(AttributeArguments.self, arguments).parameters)
    case "AddObject": self = .addObject(path: try Self.decode(PathArguments.self, arguments).path)
    case "DeleteObject": self = .deleteObject(path: try Self.decode(PathArguments.self, arguments).path)
    case "Reboot": self = .reboot
    case "FactoryReset": self = .factoryReset
    case "Download": self = .download(try Self.decode(Transfer.self, arguments))
    case "ScheduleInform":
      self = .scheduleInform(delaySeconds: try Self.decode(DelayArguments.self, arguments).delaySeconds)
    case "GiveCredentials":
      let value = try Self.decode(CredentialArguments.self, arguments)
      self = .giveCredentials(keepManagementServer: value.keepManagementServer)
    default: throw TaskRequestError(place: "method", what: "'\(method)' is not an RPC that can be asked for")
    }
  }

  /// The arguments as a JSON object.
  public var arguments: [UInt8] {
    switch self {
    case .getRPCMethods, .reboot, .factoryReset: Array("{}".utf8)
    case .getParameterNames(let path, let nextLevel): Self.encode(PathArguments(path: path, nextLevel: nextLevel))
    case .getParameterValues(let names), .getParameterAttributes(let names): Self.encode(NameArguments(names: names))
    case .setParameterValues(let settings, let key):
      Self.encode(SettingArguments(parameters: settings, parameterKey: key.isEmpty ? nil : key))
    case .setParameterAttributes(let settings): Self.encode(AttributeArguments(parameters: settings))
    case .addObject(let path), .deleteObject(let path): Self.encode(PathArguments(path: path, nextLevel: nil))
    case .download(let transfer): Self.encode(transfer)
    case .scheduleInform(let delay): Self.encode(DelayArguments(delaySeconds: delay))
    case .giveCredentials(let keep): Self.encode(CredentialArguments(keepManagementServer: keep))
    }
  }

  private struct PathArguments: Codable {
    var path: String
    var nextLevel: Bool?
    enum CodingKeys: String, CodingKey {
      case path
      case nextLevel = "next_level"
    }
  }

  private struct NameArguments: Codable { var names: [String] }

  private struct SettingArguments: Codable {
    var parameters: [Setting]
    var parameterKey: String?
    enum CodingKeys: String, CodingKey {
      case parameters
      case parameterKey = "parameter_key"
    }
  }

  private struct AttributeArguments: Codable { var parameters: [AttributeSetting] }

  private struct DelayArguments: Codable {
    var delaySeconds: UInt32
    enum CodingKeys: String, CodingKey { case delaySeconds = "delay_seconds" }
  }

  private struct CredentialArguments: Codable {
    var keepManagementServer: Bool
    enum CodingKeys: String, CodingKey { case keepManagementServer = "keep_management_server" }
  }

  private static func decode<Value: Decodable>(
    _ type: Value.Type, _ bytes: [UInt8]
  ) throws(TaskRequestError) -> Value {
    do {
      return try JSONDecoder().decode(type, from: Data(bytes.isEmpty ? Array("{}".utf8) : bytes))
    } catch let error as DecodingError {
      throw TaskRequestError(error)
    } catch {
      throw TaskRequestError(place: "arguments", what: "not a JSON object")
    }
  }

  private static func encode(_ value: some Encodable) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    // Strings, numbers and booleans in plain structures: there is nothing here that JSON cannot hold.
    return (try? encoder.encode(value)).map { Array($0) } ?? Array("{}".utf8)
  }
}

extension TaskRequestError {
  fileprivate init(_ error: DecodingError) {
    func place(_ context: DecodingError.Context, _ key: (any CodingKey)? = nil) -> String {
      let path = (context.codingPath + (key.map { [$0] } ?? [])).reduce(into: "") { text, key in
        if let index = key.intValue {
          text += "[\(index)]"
        } else {
          text += (text.isEmpty ? "" : ".") + key.stringValue
        }
      }
      return path.isEmpty ? "arguments" : path
    }
    switch error {
    case .keyNotFound(let key, let context): self.init(place: place(context, key), what: "is missing")
    case .valueNotFound(_, let context): self.init(place: place(context), what: "must not be null")
    case .typeMismatch(let type, let context): self.init(place: place(context), what: "must be \(Self.name(of: type))")
    case .dataCorrupted(let context):
      self.init(place: place(context), what: context.codingPath.isEmpty ? "not JSON" : context.debugDescription)
    @unknown default: self.init(place: "arguments", what: "not understood")
    }
  }

  private static func name(of type: any Any.Type) -> String {
    switch type {
    case is String.Type: "text"
    case is Bool.Type: "true or false"
    case is [Any].Type: "a list"
    case is [String: Any].Type: "an object"
    default: "a number in range"
    }
  }
}
