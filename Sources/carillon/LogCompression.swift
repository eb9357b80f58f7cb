import HTTP

/// How large values are made small before they are sealed: what is sealed does not compress any more, at the broker or
/// on disk.
enum LogCompression {
  /// At the least effort: SOAP shrinks to a tenth even so, and a gateway's loop waits meanwhile.
  @Sendable static func deflate(_ bytes: Span<UInt8>) -> [UInt8]? {
    Deflater.gzip(bytes.withUnsafeBufferPointer { Array($0) }, level: 1)
  }

  /// What was sealed is ours: only its size is bounded.
  @Sendable static func inflate(_ bytes: Span<UInt8>, _ limit: Int) -> [UInt8]? {
    let inflater = Inflater(sizeLimit: limit, ratioLimit: .max)
    var output: [UInt8] = []
    do throws(RequestError) {
      try inflater.inflate(bytes) { piece in piece.withUnsafeBufferPointer { output.append(contentsOf: $0) } }
      try inflater.finish()
    } catch {
      return nil
    }
    return output
  }
}
