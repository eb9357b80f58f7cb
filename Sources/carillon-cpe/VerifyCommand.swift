import CPESimulator
import Operations

/// `carillon-cpe verify`.
struct VerifyCommand {
  init(_ arguments: Arguments) throws {}

  func execute() async throws -> Int32 { 1 }
}
