import EventLog

/// Records as the next version of the program might write them: of a newer layout, of a kind that this one does not
/// know, or only with a header more.
enum RecordOfNextVersion {
  /// Added to a kind to make it unknown.
  private static let unknown: UInt8 = 100

  static func write(_ record: inout OutgoingRecord, _ simulation: Simulation) {
    let style = simulation.between(0, 2)
    record.headers = rewritten(record.headers) { name, value in
      if name.elementsEqual("v".utf8) { return style == 0 ? [2] : [CPEMessage.version, CPEMessage.revision + 1] }
      if name.elementsEqual("kind".utf8), style == 1 { return [(value.first ?? 0) + unknown] }
      return Array(value)
    }
    record.headers.append("what-comes", CollectionOfOne(1))
  }

  /// A record as a worker of the next version reads it.
  static func read(_ record: LogRecord) -> LogRecord {
    guard CPEMessage.isNewer(record) else { return record }
    var record = record
    record.headers = rewritten(record.headers) { name, value in
      if name.elementsEqual("v".utf8) { return [CPEMessage.version] }
      if name.elementsEqual("kind".utf8), let kind = value.first, kind > unknown { return [kind - unknown] }
      return Array(value)
    }
    return record
  }

  private static func rewritten(
    _ headers: RecordHeaders, _ change: (_ name: ArraySlice<UInt8>, _ value: ArraySlice<UInt8>) -> [UInt8]
  ) -> RecordHeaders {
    var written = RecordHeaders()
    headers.each { name, value in written.append(nameBytes: name, change(name, value)) }
    return written
  }
}
