import CLibCURL
import Networking

/// One request on its way through libcurl.
final class Transfer {
  let identity: UInt64
  let request: HTTPClientRequest
  var easy: UnsafeMutableRawPointer?
  var timer: LoopTimer?

  private var continuation: CheckedContinuation<HTTPClientResponse, any Error>?
  private var fieldList: UnsafeMutablePointer<curl_slist>?
  private var fields: [(name: String, value: String)] = []
  private var headBytes = 0
  private var body: [UInt8] = []
  private var refusal: HTTPClientError?

  init(
    identity: UInt64, _ request: HTTPClientRequest, _ continuation: CheckedContinuation<HTTPClientResponse, any Error>
  ) {
    self.identity = identity
    self.request = request
    self.continuation = continuation
  }

  deinit { curl_slist_free_all(fieldList) }

  func finish(_ result: Result<HTTPClientResponse, any Error>) {
    timer?.cancel()
    timer = nil
    continuation?.resume(with: result)
    continuation = nil
  }

  /// libcurl is done with it.
  func finish(_ code: CURLcode) {
    if let refusal { return finish(.failure(refusal)) }
    guard code == CURLE_OK, let easy else {
      return finish(.failure(HTTPClientError(code: .failed, detail: String(cString: curl_easy_strerror(code)))))
    }
    let status = HTTPStatus(Int(carillon_curl_response_code(easy)))
    finish(.success(HTTPClientResponse(status: status, fields: fields, body: body)))
  }

  // MARK: - Setting up

  /// Sets all options of a fresh handle; false if the request cannot be sent.
  func configure(_ easy: UnsafeMutableRawPointer) -> Bool {
    self.easy = easy
    let context = Unmanaged.passUnretained(self).toOpaque()
    guard request.method.utf8.allSatisfy(\.isToken), !request.method.isEmpty, configureFields(),
      carillon_curl_set_string(easy, CURLOPT_URL, request.url) == CURLE_OK
    else { return false }
    carillon_curl_set_string(easy, CURLOPT_PROTOCOLS_STR, "http,https")
    carillon_curl_set_string(easy, CURLOPT_PROXY, "")
    carillon_curl_set_long(easy, CURLOPT_NOSIGNAL, 1)
    carillon_curl_set_long(easy, CURLOPT_FOLLOWLOCATION, 0)
    carillon_curl_set_long(easy, CURLOPT_HTTP_VERSION, CLong(CURL_HTTP_VERSION_1_1))
    carillon_curl_set_long(easy, CURLOPT_FRESH_CONNECT, request.reusesConnections ? 0 : 1)
    if let authorities = request.authorities { carillon_curl_set_string(easy, CURLOPT_CAINFO, authorities) }
    configureBody(easy)
    if let credentials = request.credentials {
      carillon_curl_set_string(easy, CURLOPT_USERNAME, credentials.user)
      carillon_curl_set_string(easy, CURLOPT_PASSWORD, credentials.password)
      carillon_curl_set_long(easy, CURLOPT_HTTPAUTH, credentials.usesDigest ? 1 << 1 : 1 << 0)
    }
    carillon_curl_set_pointer(easy, CURLOPT_PRIVATE, context)
    carillon_curl_set_pointer(easy, CURLOPT_WRITEDATA, context)
    carillon_curl_set_receiver(easy, CURLOPT_WRITEFUNCTION, Transfer.onBody)
    carillon_curl_set_pointer(easy, CURLOPT_HEADERDATA, context)
    carillon_curl_set_receiver(easy, CURLOPT_HEADERFUNCTION, Transfer.onField)
    carillon_curl_set_pointer(easy, CURLOPT_OPENSOCKETDATA, context)
    carillon_curl_set_socket_opener(easy, Transfer.onOpen)
    return true
  }

  private func configureBody(_ easy: UnsafeMutableRawPointer) {
    if !request.body.isEmpty || request.method == "POST" || request.method == "PUT" {
      request.body.withUnsafeBytes { bytes in
        _ = carillon_curl_set_body(easy, bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 1), bytes.count)
      }
    }
    if request.method == "HEAD" { carillon_curl_set_long(easy, CURLOPT_NOBODY, 1) }
    if request.method != "GET" && request.method != "HEAD" || !request.body.isEmpty {
      carillon_curl_set_string(easy, CURLOPT_CUSTOMREQUEST, request.method)
    }
  }

  private func configureFields() -> Bool {
    guard let easy else { return false }
    // Without a value: libcurl leaves the field out. It would wait a second for a 100 that few servers send.
    var lines = ["Expect:"]
    for field in request.fields {
      guard !field.name.isEmpty, field.name.utf8.allSatisfy(\.isToken), field.value.utf8.allSatisfy(\.isFieldValue)
      else { return false }
      lines.append(field.value.isEmpty ? "\(field.name);" : "\(field.name): \(field.value)")
    }
    for line in lines {
      guard let longer = curl_slist_append(fieldList, line) else { return false }
      fieldList = longer
    }
    carillon_curl_set_pointer(easy, CURLOPT_HTTPHEADER, fieldList)
    return true
  }

  // MARK: - What libcurl calls

  private static let onBody: @convention(c) (UnsafeMutablePointer<CChar>?, Int, Int, UnsafeMutableRawPointer?) -> Int =
    {
      bytes, size, count, context in
      guard let bytes, let context else { return 0 }
      let received = UnsafeRawBufferPointer(start: bytes, count: size * count)
      return Unmanaged<Transfer>.fromOpaque(context)._withUnsafeGuaranteedRef { $0.take(body: received) }
    }

  private static let onField: @convention(c) (UnsafeMutablePointer<CChar>?, Int, Int, UnsafeMutableRawPointer?) -> Int =
    {
      bytes, size, count, context in
      guard let bytes, let context else { return 0 }
      let received = UnsafeRawBufferPointer(start: bytes, count: size * count)
      return Unmanaged<Transfer>.fromOpaque(context)._withUnsafeGuaranteedRef { $0.take(line: received) }
    }

  private static let onOpen:
    @convention(c) (UnsafeMutableRawPointer?, curlsocktype, UnsafeMutablePointer<curl_sockaddr>?) -> curl_socket_t = {
      context, _, address in
      guard let context, let address else { return -1 }
      return Unmanaged<Transfer>.fromOpaque(context)._withUnsafeGuaranteedRef { $0.open(address) }
    }

  private func take(body bytes: UnsafeRawBufferPointer) -> Int {
    guard body.count + bytes.count <= request.responseLimit else {
      refusal = HTTPClientError(code: .responseTooLarge, detail: "body above \(request.responseLimit) bytes")
      return 0
    }
    body.append(contentsOf: bytes)
    return bytes.count
  }

  private func take(line bytes: UnsafeRawBufferPointer) -> Int {
    headBytes += bytes.count
    guard headBytes <= 65536 else {
      refusal = HTTPClientError(code: .responseTooLarge, detail: "head above 65536 bytes")
      return 0
    }
    let line = String(decoding: bytes, as: UTF8.self)
    if line.hasPrefix("HTTP/") {
      // A new response: what came before was interim, or the challenge to a digest.
      fields = []
      body = []
    } else if let colon = line.utf8.firstIndex(of: 0x3A) {
      let value = line.utf8[line.utf8.index(after: colon)...]
        .drop { $0 == 0x20 || $0 == 0x09 }
      var text = Substring(value)
      while let last = text.utf8.last, last <= 0x20 { text = Substring(text.utf8.dropLast()) }
      fields.append((line[..<colon].lowercased(), String(text)))
    }
    return bytes.count
  }

  private func open(_ address: UnsafeMutablePointer<curl_sockaddr>) -> curl_socket_t {
    let target = withUnsafePointer(to: &address.pointee.addr) {
      SocketAddress($0, length: Int(address.pointee.addrlen))
    }
    guard let target, request.allowsAddress(target) else {
      refusal = HTTPClientError(code: .addressRefused, detail: "the address is not allowed")
      return -1
    }
    // A second address of the same name may follow one that was refused.
    refusal = nil
    return carillon_curl_open(address)
  }
}
