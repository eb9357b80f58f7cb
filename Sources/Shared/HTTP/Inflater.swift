import CZlib

/// Undoes `gzip` (RFC 1952) piece by piece, with bounds on size and on the ratio of output to input,
/// so that a small body cannot become a large one (decompression bombs).
public final class Inflater {
  /// Bytes in so far.
  public private(set) var inputBytes = 0
  /// Bytes out so far.
  public private(set) var outputBytes = 0
  /// Whether the stream's own end has been seen.
  public private(set) var isComplete = false

  private let sizeLimit: Int
  private let ratioLimit: Int
  private var stream: UnsafeMutablePointer<z_stream>?

  /// - Parameters:
  ///   - sizeLimit: bytes of output; more is 413.
  ///   - ratioLimit: output over input, once there are 64 KiB of output; more is 413.
  public init(sizeLimit: Int, ratioLimit: Int = 50) {
    self.sizeLimit = sizeLimit
    self.ratioLimit = ratioLimit
  }

  deinit {
    if let stream {
      inflateEnd(stream)
      stream.deallocate()
    }
  }

  /// Undoes the next piece; `body` is called with each piece of output, valid during the call.
  ///
  /// - Throws: `RequestError`: 400 for malformed data or data behind the end, 413 beyond a bound.
  public func inflate(_ bytes: Span<UInt8>, _ body: (Span<UInt8>) -> Void) throws(RequestError) {
    guard bytes.count > 0 else { return }
    guard !isComplete else { throw RequestError(.badRequest, "data behind the end of the compressed body") }
    let stream = try begun()
    let failure = withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 16384) { output in
      bytes.withUnsafeBufferPointer { input in
        stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
        stream.pointee.avail_in = uInt(input.count)
        return run(stream, output, body)
      }
    }
    if let failure { throw failure }
  }

  /// To be called at the body's end.
  ///
  /// - Throws: `RequestError` (400) if the compressed data is cut short.
  public func finish() throws(RequestError) {
    guard isComplete || inputBytes == 0 else { throw RequestError(.badRequest, "compressed body cut short") }
  }

  private func run(
    _ stream: UnsafeMutablePointer<z_stream>, _ output: UnsafeMutableBufferPointer<UInt8>,
    _ body: (Span<UInt8>) -> Void
  ) -> RequestError? {
    while true {
      let before = Int(stream.pointee.avail_in)
      stream.pointee.next_out = output.baseAddress
      stream.pointee.avail_out = uInt(output.count)
      let result = CZlib.inflate(stream, Z_NO_FLUSH)
      let produced = output.count - Int(stream.pointee.avail_out)
      inputBytes += before - Int(stream.pointee.avail_in)
      outputBytes += produced
      if outputBytes > sizeLimit { return RequestError(.contentTooLarge, "body larger than allowed when decompressed") }
      if outputBytes > 65536 && outputBytes / max(1, inputBytes) > ratioLimit {
        return RequestError(.contentTooLarge, "body decompresses by more than \(ratioLimit) to 1")
      }
      if produced > 0 { body(Span(_unsafeElements: UnsafeBufferPointer(rebasing: output[0..<produced]))) }
      switch result {
      case Z_STREAM_END:
        isComplete = true
        return stream.pointee.avail_in == 0
          ? nil : RequestError(.badRequest, "data behind the end of the compressed body")
      case Z_OK where stream.pointee.avail_out == 0:
        continue
      case Z_OK, Z_BUF_ERROR:
        return nil
      default:
        return RequestError(.badRequest, "malformed compressed body")
      }
    }
  }

  private func begun() throws(RequestError) -> UnsafeMutablePointer<z_stream> {
    if let stream { return stream }
    let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    stream.initialize(to: z_stream())
    // The largest window, and gzip's header.
    guard inflateInit2_(stream, 15 + 16, ZLIB_VERSION, CInt(MemoryLayout<z_stream>.size)) == Z_OK else {
      stream.deallocate()
      throw RequestError(.serviceUnavailable, "no memory to decompress")
    }
    self.stream = stream
    return stream
  }
}
