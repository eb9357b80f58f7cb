#if canImport(Glibc)
  import Glibc
#endif

/// Messages as CPEs sent them (Messages/SOURCES.tsv says whose), read from beside this file.
enum SampleMessages {
  static let folder = String(#filePath.prefix { _ in true }.dropLast("SampleMessages.swift".count)) + "Messages/"

  static func bytes(_ name: String) -> [UInt8] {
    guard let file = fopen(folder + name, "r") else { return [] }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    while case let count = fread(&buffer, 1, buffer.count, file), count > 0 { bytes += buffer[..<count] }
    return bytes
  }
}
