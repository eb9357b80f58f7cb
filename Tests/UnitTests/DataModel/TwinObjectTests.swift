import DataModel
import Testing

@Suite struct TwinObjectTests {
  private static let now = TwinTests.now
  private let table: ParameterPath
  private var twin: Twin

  init() throws {
    table = try ParameterPath("Device.WiFi.SSID.")
    twin = Twin()
    _ = twin.apply(
      inform: [1, 2, 10].map { value("Device.WiFi.SSID.\($0).Name", "n\($0)") } + [value("Device.WiFi.X", "x")],
      at: Self.now)
    _ = twin.takeWrites()
  }

  @Test
  func `instances are found in what is known, in the order of their numbers, though the list may not be complete`() {
    #expect(twin.instances(of: table)?.numbers == [1, 2, 10])
    #expect(twin.instances(of: table)?.completeAt == nil)
  }

  @Test mutating func `names of the next level replace the list of instances (items 124, 125)`() throws {
    let names = [name("Device.WiFi.SSID.2.", true), name("Device.WiFi.SSID.11.", false)]
    _ = twin.apply(names: names, asked: table, nextLevel: true, at: Self.now + 1)
    #expect(twin.instances(of: table) == TwinInstances(names: ["2", "11"], completeAt: Self.now + 1))
    #expect(twin.lookup(try ParameterPath("Device.WiFi.SSID.1.Name")) == .unknown)
    #expect(twin.text(try ParameterPath("Device.WiFi.SSID.2.Name")) == "n2")
    #expect(twin.lookup(try ParameterPath("Device.WiFi.SSID.11.")).entry?.writable == false)
    #expect(twin.takeWrites().deletedSubtrees == ["Device.WiFi.SSID.1.", "Device.WiFi.SSID.10."])
  }

  @Test mutating func `an empty list is a table without instances (item 126)`() {
    _ = twin.apply(names: [], asked: table, nextLevel: true, at: Self.now + 1)
    #expect(twin.instances(of: table) == TwinInstances(names: [], completeAt: Self.now + 1))
  }

  @Test mutating func `objects without a final dot are objects if they are instances or have children (Q32)`() throws {
    let names = [name("Device.WiFi.SSID.1", true), name("Device.WiFi.SSID.2", true)]
    _ = twin.apply(names: names, asked: table, nextLevel: true, at: Self.now + 1)
    #expect(twin.instances(of: table)?.numbers == [1, 2])
    _ = twin.apply(
      names: [name("Device.New", true), name("Device.New.P", true), name("Device.WiFi", false)],
      asked: try ParameterPath("Device."), nextLevel: false, at: Self.now + 2)
    #expect(twin.lookup(try ParameterPath("Device.New.")).entry?.writable == true)
    #expect(twin.lookup(try ParameterPath("Device.New")) == .unknown)
    #expect(twin.lookup(try ParameterPath("Device.WiFi.")).entry?.writable == false)
  }

  @Test
  mutating func `objects that only their descendants show are there (Q33), and instances not named anywhere are gone`()
    throws
  {
    _ = twin.apply(
      names: [
        name("Device.WiFi.SSID.2.Name", true), name("Device.WiFi.SSID.3.Name", true), name("Device.WiFi.X", false),
      ],
      asked: try ParameterPath("Device."), nextLevel: false, at: Self.now + 1)
    #expect(twin.instances(of: table)?.numbers == [2, 3])
    #expect(twin.lookup(try ParameterPath("Device.WiFi.SSID.2.Name")).entry?.writable == true)
    #expect(twin.text(try ParameterPath("Device.WiFi.SSID.2.Name")) == "n2")
  }

  @Test mutating func `a deleted object takes its subtree with it (item 137), an added one is there (item 136)`() throws
  {
    twin.apply(deletedObject: try ParameterPath("Device.WiFi.SSID.1."))
    #expect(twin.instances(of: table)?.numbers == [2, 10], "10 only begins with the same digit")
    _ = twin.apply(addedInstance: 4, of: table, at: Self.now + 1)
    #expect(twin.instances(of: table)?.numbers == [2, 4, 10])
    #expect(twin.takeWrites().deletedSubtrees == ["Device.WiFi.SSID.1."])
  }

  @Test mutating func `a deletion reaches rows that are not loaded`() throws {
    var partial = Twin(stored: [], scope: TwinScope([try ParameterPath("Device.T.1.")]))
    partial.apply(deletedObject: try ParameterPath("Device.T.1."))
    #expect(partial.takeWrites().deletedSubtrees == ["Device.T.1."])
    #expect(partial.instances(of: try ParameterPath("Device.T.")) == nil)
  }

  @Test mutating func `attributes are kept, and those of an object hold for all its parameters`() throws {
    _ = twin.apply(
      attributes: [.init(path: table, notification: 2, accessList: ["Subscriber"])], at: Self.now + 1)
    let entry = twin.lookup(try ParameterPath("Device.WiFi.SSID.10.Name")).entry
    #expect(entry?.notification == 2)
    #expect(entry?.accessList == ["Subscriber"])
    #expect(entry?.text == "n10")
    #expect(twin.lookup(try ParameterPath("Device.WiFi.X")).entry?.notification == nil)
  }

  @Test func `after any history of messages the stored rows say what memory says`() throws {
    for seed in 0..<40 as Range<UInt64> { try Self.history(seed) }
  }

  /// Applies random messages with random commits between them, and compares memory with the rows each time.
  private static func history(_ seed: UInt64) throws {
    var random = SplitMix(seed: seed)
    var twin = Twin()
    var rows: [String: [UInt8]] = [:]
    for step in 0..<60 as Range<Int64> {
      let instance = Int.random(in: 1...30, using: &random)
      let values = (0..<Int.random(in: 1...80, using: &random)).map { _ in
        value(
          "Device.T\(Int.random(in: 1...3, using: &random))."
            + "\(Int.random(in: 1...30, using: &random)).P\(Int.random(in: 1...20, using: &random))",
          "\(step)")
      }
      switch Int.random(in: 0...9, using: &random) {
      case 0: twin.apply(deletedObject: try ParameterPath("Device.T1.\(instance)."))
      case 1:
        _ = twin.apply(
          names: [name("Device.T2.\(instance).", true)], asked: try ParameterPath("Device.T2."), nextLevel: true,
          at: step)
      case 2: _ = twin.apply(addedInstance: UInt32(instance), of: try ParameterPath("Device.T3."), at: step)
      case 3 where step % 17 == 0: twin.applyBootstrap()
      case 4: _ = twin.apply(set: values, at: step, fingerprint: TwinTests.fingerprint)
      case 5: _ = twin.apply(values: values, asked: [try ParameterPath("Device.T1.")], at: step)
      default: _ = twin.apply(inform: values, at: step)
      }
      guard Bool.random(using: &random) else { continue }
      let writes = twin.takeWrites()
      if writes.deletesEverything { rows = [:] }
      rows = rows.filter { row in !writes.deletedSubtrees.contains { row.key.hasPrefix($0) } }
      for key in writes.deletedKeys { rows[key] = nil }
      for row in writes.upserts { rows[row.key] = row.bytes }
      let read = Twin(stored: rows.map { StoredBlock(key: $0.key, bytes: $0.value) }, scope: .everything)
      #expect(read.entries().map(\.path) == twin.entries().map(\.path), "seed \(seed), step \(step)")
      #expect(read.entries().map(\.entry.text) == twin.entries().map(\.entry.text), "seed \(seed), step \(step)")
      if Bool.random(using: &random) { twin = read }
    }
  }
}

/// A reported name, known to be right.
func name(_ name: String, _ writable: Bool) -> ReportedName {
  guard let name = ReportedName(name: name, writable: writable) else { preconditionFailure("no path: \(name)") }
  return name
}
