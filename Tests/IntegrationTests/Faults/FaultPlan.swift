/// What is done to a cluster in one round of the campaign, and when: from a seed, so that a round can be had again.
struct FaultPlan: Equatable {
  /// One fault; it begins at `at` and is healed at `until`, both in milliseconds from the round's start.
  struct Fault: Equatable, CustomStringConvertible {
    enum Kind: Equatable {
      /// kill -9, and another in its place at the end.
      case kill(String, Int)
      /// SIGSTOP, SIGCONT at the end.
      case pause(String, Int)
      case killDatabase, pauseDatabase
      case killBroker(Int)
      case pauseBroker(Int)
      /// Each connection is cut after so many bytes.
      case cut(Link, bytes: Int)
      /// Bytes are passed on so much later.
      case delay(Link, milliseconds: Int)
      /// Each fdatasync takes so much longer.
      case slowDisk(milliseconds: Int)
    }

    var kind: Kind
    var at: Int
    var until: Int

    var description: String { "\(at)-\(until) ms \(kind)" }
  }

  /// A way between two parts, on which a proxy of ours stands.
  enum Link: String, CaseIterable { case cwmp, database, brokers }

  let seed: UInt64
  let faults: [Fault]

  /// How long faults go on, milliseconds.
  static let length = 15_000
  private static let roles = [("gateway", 2), ("worker", 2), ("scheduler", 2), ("northbound", 1)]

  /// - Parameter brokers: how many there are; none on the embedded log.
  init(seed: UInt64, brokers: Int) {
    self.seed = seed
    var random = SeededRandom(state: seed)
    var faults: [Fault] = []
    for _ in 0..<Int.random(in: 4...8, using: &random) {
      let at = Int.random(in: 0..<Self.length - 1000, using: &random)
      // Some stops are longer than a lease.
      let end = min(at + Int.random(in: 100...9_000, using: &random), Self.length)
      faults.append(Fault(kind: Self.kind(brokers, &random), at: at, until: end))
    }
    self.faults = Self.withoutOverlap(faults.sorted { ($0.at, $0.until) < ($1.at, $1.until) })
  }

  private static func kind(_ brokers: Int, _ random: inout SeededRandom) -> Fault.Kind {
    let (role, count) = roles[Int.random(in: 0..<roles.count, using: &random)]
    let number = Int.random(in: 0..<count, using: &random)
    let links = brokers > 0 ? Link.allCases : [.cwmp, .database]
    let link = links[Int.random(in: 0..<links.count, using: &random)]
    switch Int.random(in: 0..<(brokers > 0 ? 12 : 10), using: &random) {
    case 0...2: return .kill(role, number)
    case 3, 4: return .pause(role, number)
    case 5: return .cut(link, bytes: Int.random(in: 1...20_000, using: &random))
    case 6: return .delay(link, milliseconds: Int.random(in: 5...400, using: &random))
    case 7: return .slowDisk(milliseconds: Int.random(in: 5...200, using: &random))
    case 8: return .killDatabase
    case 9: return .pauseDatabase
    case 10: return .killBroker(Int.random(in: 1...brokers, using: &random))
    default: return .pauseBroker(Int.random(in: 1...brokers, using: &random))
    }
  }

  /// What is done to one part at a time: a later fault of a part that is still at fault is left out, and of brokers
  /// only one is away at once, for records need two of three.
  private static func withoutOverlap(_ faults: [Fault]) -> [Fault] {
    var busy: [String: Int] = [:]
    return faults.filter { fault in
      guard busy[fault.kind.part, default: -1] < fault.at else { return false }
      busy[fault.kind.part] = fault.until
      return true
    }
  }
}

extension FaultPlan.Fault.Kind {
  /// What it is done to.
  var part: String {
    switch self {
    case .kill(let role, let number), .pause(let role, let number): "\(role) \(number)"
    case .killDatabase, .pauseDatabase: "database"
    case .killBroker, .pauseBroker: "broker"
    case .cut(let link, _), .delay(let link, _): link.rawValue
    case .slowDisk: "disk"
    }
  }
}

/// Numbers from a seed: SplitMix64.
struct SeededRandom: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}
