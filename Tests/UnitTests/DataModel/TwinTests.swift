import DataModel
import Testing

@Suite struct TwinTests {
  static let fingerprint = SecretFingerprint { path, value in Array((path.text + "=" + value).utf8.reversed()) }
  static let now: UnixMilliseconds = 1_795_000_000_000

  @Test func `an Inform's values are known with their types and time, and told as changed`() throws {
    var twin = Twin()
    let change = twin.apply(inform: [value("Device.DeviceInfo.SoftwareVersion", "1.0")], at: Self.now)
    #expect(change.values.map(\.after) == ["1.0"])
    #expect(change.values.map(\.before) == [nil])
    let entry = twin.lookup(try ParameterPath("Device.DeviceInfo.SoftwareVersion")).entry
    #expect(entry?.text == "1.0")
    #expect(entry?.type == .string)
    #expect(entry?.valueAt == Self.now)
    #expect(twin.lookup(try ParameterPath("Device.DeviceInfo.HardwareVersion")) == .unknown)
  }

  @Test func `the same values again cost no write until an hour has passed, and are fresh in memory at once`() throws {
    var twin = stored([value("Device.A.X", "1"), value("Device.A.Y", "2")])
    let later = Self.now + 60_000
    #expect(twin.apply(inform: [value("Device.A.X", "1")], at: later).values.isEmpty)
    #expect(twin.takeWrites().isEmpty)
    #expect(twin.lookup(try ParameterPath("Device.A.X")).entry?.valueAt == later)
    _ = twin.apply(inform: [value("Device.A.Y", "2")], at: Self.now + Twin.touchInterval)
    #expect(twin.takeWrites().upserts.count == 1)
  }

  @Test func `a changed value writes its block and no other`() throws {
    var twin = stored((0..<2_000).map { value("Device.T.\($0 / 20 + 1).P\($0 % 20)", "value \($0)") })
    let change = twin.apply(inform: [value("Device.T.7.P3", "new"), value("Device.T.8.P3", "value 143")], at: Self.now)
    #expect(change.values.map(\.path.text) == ["Device.T.7.P3"])
    let writes = twin.takeWrites()
    #expect(writes.upserts.count == 1)
    #expect(writes.upserts.allSatisfy { "Device.T.7.P3".hasPrefix($0.key) })
  }

  @Test func `a device of 10,000 parameters lies in blocks that stay under the limit, and is read back whole`() throws {
    let values = (0..<10_000).map { number in
      value(
        "Device.WiFi.\(["SSID", "Radio", "AccessPoint"][number % 3]).\(number / 60 + 1)."
          + "Group\(number % 4).P\(number % 60)",
        "value \(number)")
    }
    var twin = Twin()
    #expect(twin.apply(values: values, asked: [], at: Self.now).values.count == 10_000)
    let writes = twin.takeWrites()
    #expect(writes.upserts.allSatisfy { $0.bytes.count <= TwinBlock.softLimit })
    #expect(Set(writes.upserts.map(\.key)).count == writes.upserts.count)
    #expect(writes.upserts.count < 600)
    let read = Twin(stored: writes.upserts, scope: .everything)
    #expect(read.entries().map(\.path) == twin.entries().map(\.path))
    #expect(read.entries().map(\.entry) == twin.entries().map(\.entry))
    #expect(read.entries().count == Set(values.map(\.path)).count)
  }

  @Test func `a twin with only the blocks of a scope answers for those and says of others that they are not loaded`()
    throws
  {
    let all = rows((0..<2_000).map { value("Device.T.\($0 / 20 + 1).P\($0 % 20)", "value \($0)") })
    let scope = TwinScope([try ParameterPath("Device.T.7.P3"), try ParameterPath("Device.New.P")])
    let loaded = all.filter { scope.keys.contains($0.key) }
    #expect(loaded.count < 4)
    var twin = Twin(stored: loaded, scope: scope)
    #expect(twin.text(try ParameterPath("Device.T.7.P3")) == "value 123")
    #expect(twin.lookup(try ParameterPath("Device.T.8.P3")) == .notLoaded)
    #expect(twin.lookup(try ParameterPath("Device.New.P")) == .unknown)
    let change = twin.apply(inform: [value("Device.T.8.P3", "x"), value("Device.T.7.P4", "y")], at: Self.now)
    #expect(change.notLoaded.map(\.text) == ["Device.T.8.P3"])
    #expect(change.values.map(\.path.text) == ["Device.T.7.P4"])

    let further = TwinScope([try ParameterPath("Device.T.8.P3")]).subtracting(twin.scope)
    #expect(further.keys == ["Device.T.8."])
    twin.load(all.filter { further.keys.contains($0.key) }, scope: further)
    #expect(twin.text(try ParameterPath("Device.T.8.P3")) == "value 143")
    #expect(twin.text(try ParameterPath("Device.T.7.P4")) == "y", "what is loaded stays as it was changed")
  }

  @Test func `damaged blocks count as empty, are told, and are overwritten`() throws {
    var twin = Twin(stored: [StoredBlock(key: "Device.", bytes: [9, 9])], scope: .everything)
    #expect(twin.damaged.map(\.key) == ["Device."])
    #expect(twin.lookup(try ParameterPath("Device.A.X")) == .unknown)
    _ = twin.apply(inform: [value("Device.A.X", "1")], at: Self.now)
    #expect(twin.takeWrites().upserts.map(\.key) == ["Device."])
  }

  @Test func `bootstrap drops everything, also what is not loaded (item 83)`() throws {
    var twin = Twin(stored: [], scope: TwinScope([try ParameterPath("Device.A.X")]))
    twin.applyBootstrap()
    #expect(twin.lookup(try ParameterPath("Device.Far.Away")) == .unknown)
    _ = twin.apply(inform: [value("Device.A.X", "1")], at: Self.now)
    let writes = twin.takeWrites()
    #expect(writes.deletesEverything)
    #expect(writes.upserts.count == 1)
    #expect(!twin.takeWrites().deletesEverything)
  }

  @Test func `what was set is known as set, until a report says otherwise`() throws {
    var twin = stored([value("Device.A.X", "1")])
    let change = twin.apply(set: [value("Device.A.X", "2")], at: Self.now + 1, fingerprint: Self.fingerprint)
    #expect(change.values.map(\.before) == ["1"])
    let path = try ParameterPath("Device.A.X")
    #expect(twin.text(path) == "2")
    #expect(twin.lookup(path).entry?.unconfirmed?.count == 1)
    _ = twin.apply(inform: [value("Device.A.X", "1")], at: Self.now + 2)
    _ = twin.apply(set: [value("Device.A.X", "2")], at: Self.now + 3, fingerprint: Self.fingerprint)
    #expect(twin.lookup(path).entry?.unconfirmed?.count == 2, "the CPE did not keep it (Q42)")
    _ = twin.apply(inform: [value("Device.A.X", "2")], at: Self.now + 4)
    #expect(twin.lookup(path).entry?.unconfirmed == nil)
  }

  @Test
  func `of a secret only the fingerprint of what we set is kept, and what a CPE reads back is not believed (item 115)`()
    throws
  {
    let path = try ParameterPath("Device.WiFi.AccessPoint.1.Security.KeyPassphrase")
    var twin = Twin()
    let change = twin.apply(set: [value(path.text, "correct horse")], at: Self.now, fingerprint: Self.fingerprint)
    #expect(change.values.isEmpty)
    for report in ["", "****", "correct horse"] {
      #expect(twin.apply(inform: [value(path.text, report)], at: Self.now).values.isEmpty)
      #expect(twin.lookup(path).entry?.value == .secret(fingerprint: Self.fingerprint(path, "correct horse")))
    }
    #expect(twin.text(path) == nil)
    let bytes = twin.takeWrites().upserts.flatMap(\.bytes)
    #expect(!String(decoding: bytes, as: UTF8.self).contains("correct horse"))
  }

  @Test func `a response may hold more and less than was asked (item 127), and what is missing was asked in vain`()
    throws
  {
    var twin = stored([value("Device.A.Gone", "old")])
    _ = twin.apply(
      values: [value("Device.A.Extra", "1")],
      asked: [try ParameterPath("Device.A.Gone"), try ParameterPath("Device.B.")],
      at: Self.now + 5)
    #expect(twin.text(try ParameterPath("Device.A.Extra")) == "1")
    #expect(twin.text(try ParameterPath("Device.A.Gone")) == nil)
    #expect(twin.lookup(try ParameterPath("Device.A.Gone")).entry?.valueAt == Self.now + 5)
    #expect(twin.lookup(try ParameterPath("Device.B.")).entry?.valueAt == Self.now + 5, "read as a whole, though empty")
  }

  private func stored(_ values: [ReportedValue]) -> Twin {
    Twin(stored: rows(values), scope: .everything)
  }

  private func rows(_ values: [ReportedValue]) -> [StoredBlock] {
    var twin = Twin()
    _ = twin.apply(inform: values, at: Self.now)
    return twin.takeWrites().upserts
  }
}

/// A reported string; the name is known to be right.
func value(_ name: String, _ text: String, type: String = "xsd:string") -> ReportedValue {
  guard let value = ReportedValue(name: name, type: type, value: text) else { preconditionFailure("no path: \(name)") }
  return value
}
