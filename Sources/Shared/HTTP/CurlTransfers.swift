import CLibCURL
import Networking

/// libcurl's multi interface on a loop: it says which sockets and when, the loop tells it what happened. Loop-bound.
final class CurlTransfers {
  private let loop: EventLoop
  private let multi: UnsafeMutableRawPointer
  private let maximumConcurrent: Int
  private let queueLimit: Int
  private var running: [UInt64: Transfer] = [:]
  private var queue: [Transfer] = []
  private var idleHandles: [UnsafeMutableRawPointer] = []
  private var watches: [CInt: DescriptorWatch] = [:]
  private var timer: LoopTimer?
  private var isClosed = false

  private static let isReady = curl_global_init(CLong(CURL_GLOBAL_ALL)) == CURLE_OK

  init(loop: EventLoop, maximumConcurrent: Int, queueLimit: Int) throws(HTTPClientError) {
    guard Self.isReady, let multi = curl_multi_init() else {
      throw HTTPClientError(code: .failed, detail: "libcurl cannot be set up")
    }
    self.loop = loop
    self.multi = multi
    self.maximumConcurrent = maximumConcurrent
    self.queueLimit = queueLimit
    carillon_curl_multi_set_long(multi, CURLMOPT_MAXCONNECTS, CLong(min(maximumConcurrent, 16)))
    carillon_curl_multi_set_callbacks(
      multi,
      { _, descriptor, what, context, _ in
        guard let context else { return 0 }
        Unmanaged<CurlTransfers>.fromOpaque(context)._withUnsafeGuaranteedRef { $0.watch(descriptor, what) }
        return 0
      },
      { _, milliseconds, context in
        guard let context else { return 0 }
        Unmanaged<CurlTransfers>.fromOpaque(context)._withUnsafeGuaranteedRef { $0.setTimer(milliseconds) }
        return 0
      }, Unmanaged.passUnretained(self).toOpaque())
  }

  deinit {
    if !isClosed {
      // Only reached when the loop has ended with the client unclosed: nothing calls back any more.
      carillon_curl_multi_set_callbacks(multi, nil, nil, nil)
      for handle in idleHandles { curl_easy_cleanup(handle) }
      curl_multi_cleanup(multi)
    }
  }

  func submit(_ transfer: Transfer) {
    guard !isClosed else { return transfer.finish(.failure(Self.closed)) }
    guard running.count < maximumConcurrent || queue.count < queueLimit else {
      return transfer.finish(.failure(HTTPClientError(code: .queueFull, detail: "\(queueLimit) requests wait already")))
    }
    let identity = transfer.identity
    transfer.timer = loop.schedule(after: transfer.request.deadline) { [weak self] in
      self?.end(identity, HTTPClientError(code: .deadlineExceeded, detail: "the deadline has passed"))
    }
    queue.append(transfer)
    startNext()
  }

  func cancel(_ identity: UInt64) { end(identity, CancellationError()) }

  func shutdown() {
    guard !isClosed else { return }
    for transfer in queue { transfer.finish(.failure(Self.closed)) }
    queue = []
    for identity in running.keys { end(identity, Self.closed) }
    isClosed = true
    for handle in idleHandles { curl_easy_cleanup(handle) }
    idleHandles = []
    curl_multi_cleanup(multi)
    for watch in watches.values { watch.cancel() }
    watches = [:]
    timer?.cancel()
  }

  private static let closed = HTTPClientError(code: .closed, detail: "the client was shut down")

  // MARK: - Transfers

  private func startNext() {
    while running.count < maximumConcurrent, !queue.isEmpty {
      let transfer = queue.removeFirst()
      guard let easy = idleHandles.popLast() ?? curl_easy_init() else {
        transfer.finish(.failure(HTTPClientError(code: .failed, detail: "libcurl is out of memory")))
        continue
      }
      guard transfer.configure(easy) else {
        transfer.finish(.failure(HTTPClientError(code: .invalidRequest, detail: "malformed URL, method or field")))
        recycle(easy)
        continue
      }
      running[transfer.identity] = transfer
      // Starts by way of the timer callback, never inside this call.
      curl_multi_add_handle(multi, easy)
    }
  }

  private func end(_ identity: UInt64, _ error: any Error) {
    if let index = queue.firstIndex(where: { $0.identity == identity }) {
      queue.remove(at: index).finish(.failure(error))
    } else if let transfer = running.removeValue(forKey: identity) {
      release(transfer)
      transfer.finish(.failure(error))
      startNext()
    }
  }

  private func release(_ transfer: Transfer) {
    guard let easy = transfer.easy else { return }
    curl_multi_remove_handle(multi, easy)
    transfer.easy = nil
    recycle(easy)
  }

  private func recycle(_ easy: UnsafeMutableRawPointer) {
    curl_easy_reset(easy)
    if idleHandles.count < 16 { idleHandles.append(easy) } else { curl_easy_cleanup(easy) }
  }

  private func collectFinished() {
    var left: CInt = 0
    while let message = curl_multi_info_read(multi, &left) {
      guard message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle,
        let context = carillon_curl_private(easy)
      else { continue }
      let code = message.pointee.data.result
      let transfer = Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
      running[transfer.identity] = nil
      transfer.finish(code)
      release(transfer)
    }
    startNext()
  }

  // MARK: - Sockets and time

  private func act(_ descriptor: curl_socket_t, _ events: CInt) {
    guard !isClosed else { return }
    var stillRunning: CInt = 0
    curl_multi_socket_action(multi, descriptor, events, &stillRunning)
    collectFinished()
  }

  private func watch(_ descriptor: curl_socket_t, _ what: CInt) {
    if what == CURL_POLL_REMOVE {
      watches.removeValue(forKey: descriptor)?.cancel()
      return
    }
    var interest: Readiness = []
    if what & CURL_POLL_IN != 0 { interest.insert(.readable) }
    if what & CURL_POLL_OUT != 0 { interest.insert(.writable) }
    if let watch = watches[descriptor] {
      watch.interest = interest
      return
    }
    watches[descriptor] = loop.watch(descriptor, interest: interest) { [weak self] readiness in
      var events: CInt = 0
      if readiness.contains(.readable) { events |= CURL_CSELECT_IN }
      if readiness.contains(.writable) { events |= CURL_CSELECT_OUT }
      self?.act(descriptor, events)
    }
  }

  private func setTimer(_ milliseconds: CLong) {
    if milliseconds < 0 {
      timer?.cancel()
      timer = nil
    } else if let timer {
      timer.restart(after: .milliseconds(milliseconds))
    } else {
      timer = loop.schedule(after: .milliseconds(milliseconds)) { [weak self] in self?.act(-1, 0) }
    }
  }
}
