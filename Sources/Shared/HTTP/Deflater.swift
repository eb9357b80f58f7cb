import CZlib

/// Compresses whole bodies, for answers to clients that accept it.
public enum Deflater {
  /// The body in gzip form (RFC 1952); nil if that would not be smaller.
  public static func gzip(_ body: [UInt8], level: Int = 6) -> [UInt8]? {
    var stream = z_stream()
    let size = CInt(MemoryLayout<z_stream>.size)
    guard deflateInit2_(&stream, CInt(level), Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, size) == Z_OK
    else { return nil }
    defer { deflateEnd(&stream) }
    return body.withUnsafeBufferPointer { input -> [UInt8]? in
      stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
      stream.avail_in = uInt(input.count)
      var result = Z_OK
      let output = [UInt8](unsafeUninitializedCapacity: body.count) { output, count in
        stream.next_out = output.baseAddress
        stream.avail_out = uInt(output.count)
        result = deflate(&stream, Z_FINISH)
        count = output.count - Int(stream.avail_out)
      }
      return result == Z_STREAM_END ? output : nil
    }
  }
}
