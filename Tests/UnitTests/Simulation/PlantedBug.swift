/// A fault of the product that the checker must find: at least one for each promise (docs/architecture.md, section 1).
enum PlantedBug: String, CaseIterable {
  /// An InformResponse leaves before the log has the Inform.
  case answersBeforeLog
  /// What comes into an old range of partitions too late is passed over.
  case dropsLateRecords
  /// A reseek that fails leaves what was assigned: records that were read meanwhile are skipped.
  case skipsAfterFailedReseek
  /// An Inform that a newer session overtook is as if it had not been.
  case forgetsLateEvents
  /// A worker folds none of what a newer program wrote and moves past it.
  case passesNewerOver
  /// The API answers 202 before its commit.
  case acceptsBeforeCommit
  /// Directives leave before the commit of their batch.
  case sendsBeforeCommit
  /// What was lost in mid-session is sent again, whatever it was.
  case repeatsOnce
  /// After a restore, what may have been sent since the backup is sent again.
  case restoresBlindly
  /// A batch commits without its claim's swap: a zombie's work counts.
  case commitsWithoutSwap
  /// An Inform without BOOT shows that a Reboot was not done, however soon it comes.
  case takesSilenceForProof
  /// Events are written after the transaction that they tell of.
  case tellsAfterCommit
  /// Events have other ids after a restore.
  case renamesReplays
  /// What was relayed is deleted though an event before it was not.
  case relaysPastFailure
  /// Events are deleted before the broker has them.
  case deletesUnrelayed
  /// A gateway has nothing for the sessions whose Inform another one served.
  case forgetsOthersSessions
  /// A record that crashes its reader is read again for ever.
  case readsPoisonAgain
  /// POSTs of admitted sessions may be refused as Informs are.
  case shedsContinuing
  /// Admission is blind to class.
  case blindToClass
  /// A new Inform does not take over from an open session.
  case noTakeover
  /// What an Inform says of values does not count towards its being trivial.
  case ignoresDigest
  /// A device that comes with the shared credential is given another password than the one it may have taken.
  case replacesPending
  /// An attempt that a gateway gave back unsent uses up those that a task may have.
  case countsUnsent
  /// A batch closes the wake-up that a task queued meanwhile has opened.
  case closesOthersWakeup
  /// What depends on a task that ended badly in another transaction is sent.
  case sendsOrphans
  /// A gateway waits for directives longer than it may.
  case holdsPosts

  /// What it breaks, and its test demands.
  var breaks: Promise {
    switch self {
    case .answersBeforeLog, .dropsLateRecords, .skipsAfterFailedReseek, .forgetsLateEvents, .passesNewerOver: .p1
    case .commitsWithoutSwap, .noTakeover: .p1
    case .acceptsBeforeCommit: .p2
    case .sendsBeforeCommit: .p3
    case .repeatsOnce, .restoresBlindly, .takesSilenceForProof: .p4
    case .tellsAfterCommit, .renamesReplays, .relaysPastFailure, .deletesUnrelayed: .p5
    case .forgetsOthersSessions: .p6
    case .readsPoisonAgain: .p7
    case .shedsContinuing, .blindToClass: .p8
    case .ignoresDigest: .knowledge
    case .replacesPending: .access
    case .closesOthersWakeup, .sendsOrphans, .countsUnsent: .tasks
    case .holdsPosts: .deadline
    }
  }

  /// What must be in a history for the bug to do anything: else it is there in some.
  enum Need {
    case clocks
    case range
    case restore
    case versions
  }

  var need: Need? {
    switch self {
    case .forgetsLateEvents: .clocks
    case .dropsLateRecords: .range
    case .restoresBlindly, .renamesReplays: .restore
    case .passesNewerOver: .versions
    default: nil
    }
  }
}
