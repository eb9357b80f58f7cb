public import DataModel

extension PolicyEngine {
  /// Plans what the device needs now.
  ///
  /// The RPCs: first GetParameterValues for what must be known better, then SetParameterValues with everything that
  /// differs. A parameter of which no value is known is set without asking, unless a refresh is about to read it
  /// anyway, or its policy failed before: then its type and value are read first.
  ///
  /// - Parameter fingerprint: as given to the twin with what was set.
  public func plan(
    _ session: PolicySession, twin: Twin, now: UnixMilliseconds, fingerprint: SecretFingerprint
  ) -> Plan {
    let claims = claims(for: session.facts)
    var planning = Planning(engine: self, session: session, claims: claims, twin: twin, now: now)
    planning.readWhatIsStale()
    planning.compareSettings(fingerprint)
    return planning.finish()
  }
}

/// One evaluation on its way.
private struct Planning {
  let engine: PolicyEngine
  let session: PolicySession
  let claims: PolicyClaims
  let twin: Twin
  let now: UnixMilliseconds

  var plan = Plan()
  /// The policies' standings by the policies' places, as they become.
  var standings: [Int: PolicyStanding] = [:]
  /// Policies that act in this session and are not held back.
  var active: Set<Int> = []
  /// Policies with something left to do, or to be proven.
  var unfinished: Set<Int> = []
  var reads: Set<ParameterPath> = []
  var sets: [(policy: Int, value: ReportedValue)] = []

  init(engine: PolicyEngine, session: PolicySession, claims: PolicyClaims, twin: Twin, now: UnixMilliseconds) {
    self.engine = engine
    self.session = session
    self.claims = claims
    self.twin = twin
    self.now = now
    for index in claims.matching {
      let policy = engine.policies[index]
      standings[index] = session.standings.first {
        $0.policy == policy.document.name && $0.version == policy.version
      }
      if policy.acts(on: session.events) {
        plan.inForce.append(policy.document.name)
        if !isHeldBack(index) { active.insert(index) }
      }
    }
    plan.conflicts = claims.conflicts
    plan.isCutShort = claims.isCutShort
  }

  private func isHeldBack(_ policy: Int) -> Bool { standings[policy].map { $0.retryAt > now } ?? false }

  // MARK: What must be known

  mutating func readWhatIsStale() {
    for refresh in claims.refreshes {
      guard let known = lastRead(refresh.path) else {
        plan.notLoaded.append(refresh.path)
        continue
      }
      let due = known.map { $0 > now ? now : $0 + refresh.maxAge } ?? now
      if due > now {
        if !isHeldBack(refresh.policy) { foresee(due, refresh.policy) }
      } else if active.contains(refresh.policy) {
        reads.insert(refresh.path)
        unfinished.insert(refresh.policy)
      } else if !isHeldBack(refresh.policy) {
        foresee(now, refresh.policy)
      }
    }
  }

  /// When the path was last read or asked for, itself or as part of an object; `nil` where its blocks are not loaded.
  private func lastRead(_ path: ParameterPath) -> UnixMilliseconds?? {
    var latest: UnixMilliseconds?
    var next = path
    while !next.isRoot {
      switch twin.lookup(next) {
      case .notLoaded: return nil
      case .unknown: break
      case .known(let entry): latest = [latest, entry.valueAt].compactMap(\.self).max()
      }
      next = next.parent
    }
    return .some(latest)
  }

  // MARK: What must hold

  mutating func compareSettings(_ fingerprint: SecretFingerprint) {
    for claim in claims.settings {
      let entry: TwinEntry?
      switch twin.lookup(claim.path) {
      case .notLoaded:
        plan.notLoaded.append(claim.path)
        continue
      case .unknown: entry = nil
      case .known(let known): entry = known
      }
      let type = claim.type(entry)
      let holds = claim.holds(entry, type: type, fingerprint)
      if holds, (entry?.unconfirmed?.count ?? 0) < engine.limits.unconfirmedSets { continue }
      unfinished.insert(claim.policy)
      guard !holds else { continue }
      if active.contains(claim.policy) {
        ask(claim, entry, type)
      } else if !isHeldBack(claim.policy) {
        foresee(now, claim.policy)
      }
    }
  }

  private mutating func ask(_ claim: PolicyClaims.Setting, _ entry: TwinEntry?, _ type: ParameterType) {
    if claim.path.isSecret, !session.maySendSecrets {
      plan.withheld.append(claim.path)
      return
    }
    let text = claim.wireText(entry, type: type)
    if entry?.value == nil, !claim.path.isSecret {
      // Learn the type before a second try; once, for a CPE that does not tell has been asked then.
      if let standing = standings[claim.policy], entry?.valueAt ?? .min < standing.retryAt { reads.insert(claim.path) }
      if willBeRead(claim.path) { return }
    } else if isNotKept(claim, entry, text) {
      fail(claim)
      return
    }
    sets.append((claim.policy, ReportedValue(path: claim.path, type: type, value: text)))
  }

  /// Whether a read that goes before the sets will tell the value.
  private func willBeRead(_ path: ParameterPath) -> Bool {
    guard !session.progress.readsFaulted else { return false }
    return reads.contains { $0.contains(path) }
  }

  /// Whether the value was accepted often enough without being kept. Each failure of the policy grants one set more.
  private func isNotKept(_ claim: PolicyClaims.Setting, _ entry: TwinEntry?, _ text: String) -> Bool {
    guard let unconfirmed = entry?.unconfirmed, unconfirmed.digest == TwinEntry.Unconfirmed.digest(of: text) else {
      return false
    }
    let failures = standings[claim.policy]?.failures ?? 0
    return Int(unconfirmed.count) >= min(engine.limits.unconfirmedSets + failures, Int(UInt8.max))
  }

  private mutating func fail(_ claim: PolicyClaims.Setting) {
    standings[claim.policy] = engine.failed(
      claim.policy, after: standings[claim.policy], cause: .notKept, path: claim.path, now: now)
    active.remove(claim.policy)
    sets.removeAll { $0.policy == claim.policy }
  }

  // MARK: The plan

  mutating func finish() -> Plan {
    settleStandings()
    let reads = readRPCs()
    let sets = setRPCs()
    plan.rpcs = session.progress.readsFaulted ? sets + reads : reads + sets
    if !plan.rpcs.isEmpty || !plan.withheld.isEmpty || !plan.notLoaded.isEmpty { plan.nextDue = now }
    plan.parameterKey = key
    return plan
  }

  private var key: String { engine.parameterKey(claims.matching.filter { !isHeldBack($0) }) }

  private mutating func settleStandings() {
    for (policy, standing) in standings {
      if active.contains(policy), !unfinished.contains(policy) { continue }
      plan.standings.append(standing)
      if standing.retryAt > now { foresee(standing.retryAt, policy) }
    }
    plan.standings.sort { $0.policy < $1.policy }
  }

  private func readRPCs() -> [PlannedRPC] {
    var paths: [ParameterPath] = []
    // An object stands directly before all that it holds.
    for path in reads.sorted() where !(paths.last?.contains(path) ?? false) { paths.append(path) }
    let batch = session.progress.readBatch ?? engine.limits.readBatch
    return stride(from: 0, to: paths.count, by: batch).map { start in
      .getParameterValues(Array(paths[start..<min(start + batch, paths.count)]))
    }
  }

  private func setRPCs() -> [PlannedRPC] {
    var batches: [(policy: Int, bytes: Int, values: [ReportedValue])] = []
    for (policy, value) in sets {
      let bytes = value.path.text.utf8.count + value.value.utf8.count
      if let last = batches.indices.last, batches[last].values.count < engine.limits.setBatch,
        batches[last].bytes + bytes <= engine.limits.setBytes,
        batches[last].policy == policy || !session.progress.setsAlone
      {
        batches[last].bytes += bytes
        batches[last].values.append(value)
      } else {
        batches.append((policy, bytes, [value]))
      }
    }
    return batches.map { .setParameterValues($0.values, parameterKey: key) }
  }

  /// The policy will have work at that moment, for which an Inform without news must not be passed over.
  private mutating func foresee(_ moment: UnixMilliseconds, _ policy: Int) {
    guard engine.policies[policy].actsOnTrivialEvents else { return }
    plan.nextDue = min(plan.nextDue ?? moment, moment)
  }
}

extension PolicyClaims.Setting {
  /// The type to compare by and to send: the document's where it names one, else the CPE's, else what the value
  /// suggests.
  fileprivate func type(_ entry: TwinEntry?) -> ParameterType {
    if !setting.isTypeGiven, let known = entry?.type, known.isKnown { return known }
    return setting.type
  }

  fileprivate func holds(_ entry: TwinEntry?, type: ParameterType, _ fingerprint: SecretFingerprint) -> Bool {
    switch entry?.value {
    case nil: false
    case .text(let current): type.isSame(text, current)
    case .secret(let bytes): bytes == fingerprint(path, wireText(entry, type: type))
    }
  }

  /// The text to send: booleans in the CPE's own manner, or as `1` and `0`, which all accept (Q35).
  fileprivate func wireText(_ entry: TwinEntry?, type: ParameterType) -> String {
    guard type == .boolean, let value = ParameterType.boolean(text) else { return text }
    let inWords = entry?.text == "true" || entry?.text == "false"
    return inWords ? (value ? "true" : "false") : (value ? "1" : "0")
  }
}
