import CWMP

/// What the server's event log holds of devices since a time, read through its API.
struct LogVerification {
  /// One page of `GET /log/{topic}`.
  struct Page: Decodable {
    struct Record: Decodable {
      var offset: Int64
      var time: String
      var kind: String?
      var device: String?
      var session: String?
      var method: String?
      var events: [String]?
      /// Of a northbound event.
      var key: String?
      var headers: [String: String]?
      var value: String?
      /// Of a dead letter.
      var record: Inner?

      /// Milliseconds since 1970.
      var milliseconds: Int64 { (DateTimeText(time).microseconds ?? 0) / 1_000 }
    }

    struct Inner: Decodable { var device: String? }

    var parts: Int
    var oldest: Int64
    var end: Int64
    var records: [Record]
    var nextOffset: Int64?
  }

  /// Asks for a page: topic, part, offset (nil: the oldest), limit, whether with values.
  let page: (String, Int, Int64?, Int, Bool) async throws -> Page
  /// From when on, in milliseconds since 1970.
  let since: Int64

  private var found: [String: ServerDevice.Log] = [:]

  init(since: Int64, page: @escaping (String, Int, Int64?, Int, Bool) async throws -> Page) {
    self.since = since
    self.page = page
  }

  /// What the log holds by device id.
  ///
  /// - Throws: ``FleetError`` where it does not go back so far.
  mutating func read() async throws -> [String: ServerDevice.Log] {
    try await each("messages") { found, record in
      guard let device = record.device else { return }
      switch record.kind {
      case "inform":
        found[device, default: ServerDevice.Log()].informs.append(
          ServerDevice.Log.Inform(
            time: record.milliseconds, events: (record.events ?? []).map(Self.code), session: record.session ?? ""))
      case "request" where record.method == "TransferComplete":
        found[device, default: ServerDevice.Log()].transfers += 1
      default: break
      }
    }
    for topic in ["device-events", "task-events"] {
      try await each(topic, values: true) { found, record in
        guard let device = record.key, let headers = record.headers, let type = headers["ce_type"] else { return }
        found[device, default: ServerDevice.Log()].told.append(
          ServerDevice.Log.Told(
            topic: topic, sequence: Int(headers["ce_sequence"] ?? "") ?? 0, id: headers["ce_id"] ?? ""))
        let session = Self.session(record.value ?? "")
        found[device, default: ServerDevice.Log()].events[type, default: []].insert(session)
      }
    }
    try await each("dead-letters") { found, record in
      guard let device = record.record?.device else { return }
      found[device, default: ServerDevice.Log()].deadLetters += 1
    }
    return found.mapValues { log in
      var log = log
      log.informs.sort { $0.time < $1.time }
      return log
    }
  }

  /// Reads all partitions of a topic from the time on.
  private mutating func each(
    _ topic: String, values: Bool = false, _ take: (inout [String: ServerDevice.Log], Page.Record) -> Void
  ) async throws {
    var part = 0
    var parts = 1
    while part < parts {
      var next: Int64? = try await first(topic, part)
      while let offset = next {
        let page = try await page(topic, part, offset, 1000, values)
        for record in page.records where record.milliseconds >= since { take(&found, record) }
        (parts, next) = (page.parts, page.nextOffset)
      }
      part += 1
    }
  }

  /// The offset of a partition at which records of the time begin: by halves, for offsets and times rise together.
  private func first(_ topic: String, _ part: Int) async throws -> Int64 {
    let whole = try await page(topic, part, nil, 1, false)
    if whole.oldest > 0, let first = whole.records.first, first.milliseconds > since {
      throw FleetError("the log's \(topic) begin after this history: verify sooner, or keep them longer")
    }
    var bounds = whole.oldest..<max(whole.end, whole.oldest)
    while bounds.count > 1000 {
      let middle = bounds.lowerBound + Int64(bounds.count / 2)
      let record = try await page(topic, part, middle, 1, false).records.first
      if let record, record.milliseconds < since {
        bounds = middle..<bounds.upperBound
      } else {
        bounds = bounds.lowerBound..<middle
      }
    }
    return bounds.lowerBound
  }

  /// `M Reboot (key)` is told as its code.
  private static func code(_ event: String) -> String {
    event.firstIndex(of: "(").map { String(event[..<$0].dropLast()) } ?? event
  }

  private static func session(_ json: String) -> String {
    // As the server writes it; nothing else of the data is wanted.
    guard let begin = json.firstRange(of: #""session":""#)?.upperBound else { return "" }
    return String(json[begin...].prefix { $0 != "\"" })
  }
}
