import DataModel

/// What the policies that match a device want of it, whatever the session's events: who owns which parameter.
struct PolicyClaims {
  /// A parameter, and what the strongest policy that names it wants.
  struct Setting {
    let path: ParameterPath
    let text: String
    let setting: PolicyDocument.Setting
    /// The policy's place among the engine's.
    let policy: Int
  }

  struct Refresh {
    let path: ParameterPath
    let maxAge: UnixMilliseconds
    let policy: Int
  }

  /// The policies' places, the strongest first.
  var matching: [Int] = []
  /// Each path once, the strongest policy's first.
  var settings: [Setting] = []
  var refreshes: [Refresh] = []
  var conflicts: [Plan.Conflict] = []
  var isCutShort = false

  /// The policy that owns each path.
  var owners: [ParameterPath: Int] {
    Dictionary(settings.map { ($0.path, $0.policy) }) { first, _ in first }
  }
}

extension PolicyEngine {
  /// Finds the policies that match a device and settles which of them owns each parameter.
  ///
  /// A policy owns its parameters also while its events are others or while it is held back: were it not so, a weaker
  /// one would take its turn and the device would swing between the two.
  func claims(for facts: DeviceFacts) -> PolicyClaims {
    var claims = PolicyClaims()
    var owned: [ParameterPath: Int] = [:]
    var steps = 0
    for (index, policy) in policies.enumerated() {
      let document = policy.document
      steps += 1 + document.match.count
      if steps <= limits.steps, !document.match.holds(for: facts) { continue }
      steps += document.ensure.count + document.refresh.count
      guard steps <= limits.steps else {
        claims.isCutShort = true
        break
      }
      claims.matching.append(index)
      for setting in document.ensure {
        guard let path = setting.path.path(for: facts) else { continue }
        let text = setting.value.text(for: facts)
        if let other = owned[path].map({ claims.settings[$0] }) {
          guard !other.setting.type.isSame(other.text, text) else { continue }
          claims.conflicts.append(
            .init(path: path, winner: policies[other.policy].document.name, loser: document.name))
        } else {
          owned[path] = claims.settings.count
          claims.settings.append(.init(path: path, text: text, setting: setting, policy: index))
        }
      }
      for refresh in document.refresh {
        guard let path = refresh.path.path(for: facts) else { continue }
        claims.refreshes.append(.init(path: path, maxAge: refresh.maxAge, policy: index))
      }
    }
    return claims
  }
}
