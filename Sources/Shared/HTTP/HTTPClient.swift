public import Networking

/// Outgoing HTTP over libcurl on a loop, without a thread of its own: bounded in concurrency and queue, no redirects,
/// no proxies from the environment, cancellable. Lives on its loop; call ``shutdown()`` before letting it go.
public actor HTTPClient {
  /// The loop that it lives on.
  public nonisolated let loop: EventLoop
  /// The loop.
  public nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  private let transfers: CurlTransfers
  private var nextIdentity: UInt64 = 0

  /// A client.
  ///
  /// - Parameters:
  ///   - maximumConcurrent: requests on the wire at once.
  ///   - queueLimit: requests that may wait for their turn.
  /// - Throws: `HTTPClientError` (`.failed`) if libcurl cannot be set up.
  public init(loop: EventLoop, maximumConcurrent: Int = 64, queueLimit: Int = 1024) throws(HTTPClientError) {
    self.loop = loop
    transfers = try CurlTransfers(loop: loop, maximumConcurrent: maximumConcurrent, queueLimit: queueLimit)
  }

  /// Sends a request and waits for its response, whatever its status.
  ///
  /// - Throws: `HTTPClientError`; `CancellationError` as soon as the task is cancelled.
  public func execute(_ request: HTTPClientRequest) async throws -> HTTPClientResponse {
    try Task.checkCancellation()
    nextIdentity += 1
    let identity = nextIdentity
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        transfers.submit(Transfer(identity: identity, request, continuation))
      }
    } onCancel: {
      loop.post { self.assumeIsolated { $0.transfers.cancel(identity) } }
    }
  }

  /// Ends all requests with `.closed` and frees what libcurl holds.
  public func shutdown() { transfers.shutdown() }
}
