import Operations

/// `carillon config check|keys`.
enum ConfigCommand {
  static func run(_ arguments: Arguments) throws -> Int32 {
    if arguments.command.last == "keys" {
      for key in Configuration.keys { print("\(key.path)\t\(key.variable)\t\(key.fallback)") }
    } else {
      _ = try Carillon.load(arguments)
      print("the configuration is sound")
    }
    return 0
  }
}
