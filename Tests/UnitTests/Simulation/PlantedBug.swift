/// A fault of the product that the checker must find: at least one for each promise (docs/architecture.md, section 1).
enum PlantedBug: String, CaseIterable {
  /// P1: an InformResponse leaves before the log has the Inform.
  case answersBeforeLog
  /// P2: the API answers 202 before its commit.
  case acceptsBeforeCommit
  /// P3: directives leave before the commit of their batch.
  case sendsBeforeCommit
  /// P4: what was lost in mid-session is sent again, whatever it was.
  case repeatsOnce
  /// P4: after a restore, what may have been sent since the backup is sent again.
  case restoresBlindly
  /// P5: events are written after the transaction that they tell of.
  case tellsAfterCommit
  /// P6: a gateway has nothing for the sessions whose Inform another one served.
  case forgetsOthersSessions
  /// P7: a record that crashes its reader is read again for ever.
  case readsPoisonAgain
  /// P8: POSTs of admitted sessions may be refused as Informs are.
  case shedsContinuing
  /// P8: admission is blind to class.
  case blindToClass
  /// A batch commits without its claim's swap: a zombie's work counts.
  case commitsWithoutSwap
  /// A new Inform does not take over from an open session.
  case noTakeover
  /// What an Inform says of values does not count towards its being trivial.
  case ignoresDigest
  /// A device that comes with the shared credential is given another password than the one it may have taken.
  case replacesPending
  /// What comes into an old range of partitions too late is passed over (P1).
  case dropsLateRecords
}
