public import DataModel

extension PolicyEngine {
  /// Takes note that the CPE answered a planned RPC with a fault: nothing of it was applied (item 130).
  ///
  /// The policy at fault is put back in the session's standings: the one whose parameter the CPE names (item 132), or,
  /// where it names none (Q40), the one that was alone in the RPC; several are sent one by one from then on. A
  /// GetParameterValues is halved until the one name at fault is alone, which then counts as asked in vain (item 129).
  /// Then plan again.
  public func faulted(
    _ rpc: PlannedRPC, fault: PlannedFault, session: inout PolicySession, twin: inout Twin, now: UnixMilliseconds
  ) {
    switch rpc {
    case .setParameterValues(let values, _): setFaulted(values.map(\.path), fault, &session, now)
    case .getParameterValues(let paths):
      session.progress.readsFaulted = true
      session.progress.readBatch = paths.count > 1 ? paths.count / 2 : nil
      if paths.count == 1 { _ = twin.apply(unreadable: paths[0], at: now) }
    case .getParameterNames: break
    }
  }

  private func setFaulted(
    _ paths: [ParameterPath], _ fault: PlannedFault, _ session: inout PolicySession, _ now: UnixMilliseconds
  ) {
    let owners = claims(for: session.facts).owners
    let sent = Set(paths)
    var blamed: [Int: PlannedFault.Detail] = [:]
    for detail in fault.details where sent.contains(detail.path) {
      if let owner = owners[detail.path], blamed[owner] == nil { blamed[owner] = detail }
    }
    for (policy, detail) in blamed {
      let text = detail.path.isSecret ? "" : detail.text
      back(policy, .fault(code: detail.code, text: text), detail.path, &session, now)
    }
    guard blamed.isEmpty else { return }
    let involved = Set(paths.compactMap { owners[$0] })
    if involved.count > 1 {
      session.progress.setsAlone = true
    } else if let policy = involved.first {
      let text = paths.contains(where: \.isSecret) ? "" : fault.text
      back(policy, .fault(code: fault.code, text: text), paths.count == 1 ? paths[0] : nil, &session, now)
    }
  }

  private func back(
    _ policy: Int, _ cause: PolicyStanding.Cause, _ path: ParameterPath?, _ session: inout PolicySession,
    _ now: UnixMilliseconds
  ) {
    let name = policies[policy].document.name
    let before = session.standings.first { $0.policy == name && $0.version == policies[policy].version }
    session.standings.removeAll { $0.policy == name }
    session.standings.append(failed(policy, after: before, cause: cause, path: path, now: now))
    session.standings.sort { $0.policy < $1.policy }
  }

  /// The standing after one failure more: it waits 5 minutes, then twice as long each time, up to a day.
  func failed(
    _ policy: Int, after before: PolicyStanding?, cause: PolicyStanding.Cause, path: ParameterPath?,
    now: UnixMilliseconds
  ) -> PolicyStanding {
    let failures = (before?.failures ?? 0) + 1
    let doubled = failures > 30 ? limits.longestBackOff : limits.firstBackOff << (failures - 1)
    return PolicyStanding(
      policy: policies[policy].document.name, version: policies[policy].version, failures: failures,
      retryAt: now + min(doubled, limits.longestBackOff), cause: cause.clipped, path: path)
  }
}

extension PolicyStanding.Cause {
  /// With a text of at most 256 characters, whatever the CPE sent.
  fileprivate var clipped: PolicyStanding.Cause {
    if case .fault(let code, let text) = self { .fault(code: code, text: String(text.prefix(256))) } else { self }
  }
}
