extension Twin {
  /// Takes in an Inform's ParameterList (items 87, 88).
  ///
  /// A value that was known already costs no write, unless its time has become older than ``touchInterval``.
  public mutating func apply(inform values: some Sequence<ReportedValue>, at now: UnixMilliseconds) -> TwinChange {
    record(values, at: now, rewriteAfter: Self.touchInterval)
  }

  /// Takes in a GetParameterValuesResponse, which may hold more and less than was asked and in any order (item 127).
  ///
  /// Each asked object counts as read as a whole; each asked parameter that is missing as asked in vain (Q38).
  public mutating func apply(
    values: some Sequence<ReportedValue>, asked: some Sequence<ParameterPath>, at now: UnixMilliseconds
  ) -> TwinChange {
    var change = record(values, at: now, rewriteAfter: 0)
    for path in asked where !path.isRoot { markRead(path, at: now, change: &change) }
    return change
  }

  /// Takes note that the CPE was asked for the path's value and refused or has none (item 129): of a parameter the
  /// value is forgotten, an object counts as read.
  public mutating func apply(unreadable path: ParameterPath, at now: UnixMilliseconds) -> TwinChange {
    var change = TwinChange()
    guard !path.isRoot else { return change }
    update(path, change: &change) { entry in
      if case .text = entry.value { entry.value = nil }
      entry.valueAt = now
    }
    return change
  }

  /// Takes in what a SetParameterValues set, after the CPE accepted it with status 0 or 1 (items 130, 133).
  ///
  /// Of a secret only the fingerprint is kept. Other values are counted as unconfirmed until a report agrees (Q42).
  public mutating func apply(
    set values: some Sequence<ReportedValue>, at now: UnixMilliseconds, fingerprint: SecretFingerprint
  ) -> TwinChange {
    var change = TwinChange()
    for value in values where !value.path.isObject {
      var before: TwinEntry?
      let known = update(value.path, change: &change) { entry in
        before = entry
        entry.type = value.type
        entry.valueAt = now
        if value.path.isSecret {
          entry.value = .secret(fingerprint: fingerprint(value.path, value.value))
        } else {
          entry.value = .text(value.value)
          entry.countSet(of: value.value)
        }
      }
      guard known, !value.path.isSecret, before?.text != value.value else { continue }
      change.values.append(.init(path: value.path, before: before?.text, after: value.value))
    }
    return change
  }

  /// Takes note that a SetParameterValues got no answer: the values may be the old ones or those that were sent. What
  /// was known is known no longer, a secret's fingerprint too.
  public mutating func apply(doubted paths: some Sequence<ParameterPath>) {
    var change = TwinChange()
    for path in paths where lookup(path).entry != nil {
      update(path, change: &change) { entry in
        entry.value = nil
        entry.valueAt = nil
        entry.unconfirmed = nil
      }
    }
  }

  private mutating func record(
    _ values: some Sequence<ReportedValue>, at now: UnixMilliseconds, rewriteAfter age: UnixMilliseconds
  ) -> TwinChange {
    var change = TwinChange()
    for value in values { record(value, at: now, rewriteAfter: age, change: &change) }
    settleAll()
    return change
  }

  private mutating func record(
    _ value: ReportedValue, at now: UnixMilliseconds, rewriteAfter age: UnixMilliseconds, change: inout TwinChange
  ) {
    guard let index = block(for: value.path, change: &change) else { return }
    let name = value.path.text[blocks[index].block.nameStart(in: value.path)...]
    let (position, found) = blocks[index].block.position(of: name)
    let isSecret = value.path.isSecret
    var before: String?
    var differs = true
    if found {
      before = blocks[index].block.elements[position].entry.text
      let outcome = blocks[index].block.elements[position].entry.learn(value, isSecret, at: now, rewriteAfter: age)
      differs = outcome.differs
      if outcome.mustWrite { blocks[index].isDirty = true }
    } else {
      var entry = TwinEntry()
      _ = entry.learn(value, isSecret, at: now, rewriteAfter: age)
      blocks[index].added.append(.init(name: String(name), entry: entry))
      blocks[index].isDirty = true
    }
    if differs, !isSecret {
      change.values.append(.init(path: value.path, before: before, after: value.value))
    }
  }

  private mutating func markRead(_ path: ParameterPath, at now: UnixMilliseconds, change: inout TwinChange) {
    update(path, change: &change) { entry in
      guard entry.valueAt != now else { return }
      // Asked for and not in the answer: what was known is known no longer, except a secret of ours.
      if case .text = entry.value { entry.value = nil }
      entry.valueAt = now
    }
  }
}

extension TwinEntry {
  /// Takes in a report of a parameter's value. A secret's is never believed: CPEs give back nothing or stars (item
  /// 115).
  fileprivate mutating func learn(
    _ report: ReportedValue, _ isSecret: Bool, at now: UnixMilliseconds, rewriteAfter age: UnixMilliseconds
  ) -> (differs: Bool, mustWrite: Bool) {
    var mustWrite = valueAt.map { now - $0 >= age || now < $0 } ?? true
    if report.type.isKnown || type == nil, type != report.type {
      type = report.type
      mustWrite = true
    }
    valueAt = now
    guard !isSecret else { return (false, mustWrite) }
    if confirms(report) {
      unconfirmed = nil
      mustWrite = true
    }
    guard value != .text(report.value) else { return (false, mustWrite) }
    value = .text(report.value)
    return (true, true)
  }

  /// Whether the report agrees with what was set last; it may agree with the value in force and yet not with that one.
  private func confirms(_ report: ReportedValue) -> Bool {
    guard let unconfirmed else { return false }
    if Unconfirmed.digest(of: report.value) == unconfirmed.digest { return true }
    guard let text, Unconfirmed.digest(of: text) == unconfirmed.digest else { return false }
    return report.type.isSame(text, report.value)
  }

  fileprivate mutating func countSet(of value: String) {
    let digest = Unconfirmed.digest(of: value)
    let count = unconfirmed?.digest == digest ? unconfirmed?.count ?? 0 : 0
    unconfirmed = Unconfirmed(digest: digest, count: count == .max ? .max : count + 1)
  }
}
