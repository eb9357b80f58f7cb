import CWMP
import EventLog

/// What a history may hold: each of these must happen in the seeds of the normal run, or nothing is known of it.
enum Exercise: String, CaseIterable {
  // Records that were folded
  case inform
  case ready
  case response
  case unsent
  case request
  case lost
  case due
  case lateInform = "late inform"
  case informTriedAgain = "inform tried again"
  case trivialInform = "trivial inform"
  case sessionWithoutWait = "session without wait"
  case deadLetter = "dead letter"
  case bodyRefused = "body refused"
  case idLost = "response without id"

  // The log
  case appendFails = "append fails"
  case appendUnheard = "append whose acknowledgement is lost"
  case appendedTwice = "append twice at once"
  case appendedAgainLater = "append twice, the second late"
  case appendedSlowly = "append that takes seconds"
  case directiveLost = "directive lost"
  case directiveTwice = "directive twice"
  case directiveMissed = "directive missed by a gateway without the log"
  case postsAskedForAnew = "posts asked for anew after that"

  // Crashes
  case gatewayDiesWithPosts = "gateway dies with posts"
  case workerDiesBeforeCommit = "worker dies before its commit"
  case workerDiesAfterCommit = "worker dies before its directives"
  case commitUnknownDone = "commit of unknown outcome: done"
  case commitUnknownUndone = "commit of unknown outcome: not done"
  case poisonousInform = "inform that crashes its reader"
  case poisonousResponse = "response that crashes its reader"
  case workerDiesOfRecord = "worker dies of a record"
  case workerDiesInProbe = "worker dies in a probe"
  case probeUndecided = "probe that says nothing"
  case workerDiesPouring = "worker dies between copies and claim"
  case workerDiesBeforeOpening = "worker dies before it opens a range"
  case workerDiesAfterOpening = "worker dies after it opened a range"
  case relayDiesBeforeDelete = "relay dies before it deletes"
  case deleteUnheard = "delete of relayed rows fails"
  case schedulerDies = "scheduler dies"
  case apiDiesBeforeCommit = "API dies before its commit"
  case apiDiesAfterCommit = "API dies before its answer"
  case databaseRestartsInTransaction = "PostgreSQL restarts in a transaction"
  case claimsUnheard = "claims taken without hearing of it"
  case reloadFails = "claims cannot be read after a failure"

  // Zombies
  case gatewayStops = "gateway stops"
  case gatewayStopsWithPosts = "gateway stops with posts"
  case workerStops = "worker stops"
  case workerStopsBeforeSwap = "worker stops between reading and swap"
  case workerStopsInTransaction = "worker stops in its transaction"
  case workerStopsBeforeDirectives = "worker stops between commit and directives"
  case schedulerStops = "scheduler stops"
  case relayStops = "relay stops between reading and appending"
  case backendTerminated = "backend of a stopped owner terminated"
  case swapRefused = "swap refused"
  case relayedTwice = "event relayed twice"

  // Partitions
  case gatewayWithoutLog = "gateway without log"
  case gatewayWithoutPostgreSQL = "gateway cannot read a credential"
  case workerWithoutLog = "worker without log"
  case workerWithoutPostgreSQL = "worker without PostgreSQL"
  case schedulerWithoutLog = "scheduler without log"
  case schedulerWithoutPostgreSQL = "scheduler without PostgreSQL"

  // Clocks
  case databaseClockAhead = "database's clock jumps ahead"
  case databaseClockBehind = "database's clock jumps back"
  case gatewayClockAhead = "gateway's clock ahead"
  case gatewayClockBehind = "gateway's clock behind"

  // Ranges, versions, restores
  case rangeAdded = "range added"
  case rangeOpened = "range opened"
  case rangeFound = "range found that a restore had lost"
  case poured = "records of an old range passed on"
  case pourFails = "records of an old range not passed on"
  case newerRecordDeclined = "newer record declined"
  case newerRecordFolded = "newer record folded by a newer worker"
  case newerRevisionFolded = "newer revision folded by an older worker"
  case restored
  case restoredWithoutOne = "restored while a role was cut off"
  case toldAgain = "event told again after a restore"

  // Tasks
  case queuedDuringBatch = "task queued during a batch of its device"
  case callingOffWaits = "calling off waits for a batch"
  case cancelled
  case expired
  case dependentFails = "dependent fails with its prerequisite"
  case dependentOfEnded = "dependent queued as its prerequisite ends badly"
  case dependentExecuted = "dependent executed"
  case doubtRetried = "doubt retried at its deadline"
  case unsentGivenBack = "attempt given back unsent"

  // What CPEs do
  case getRPCMethods = "GetRPCMethods"
  case getParameterNames = "GetParameterNames"
  case getParameterValues = "GetParameterValues"
  case getParameterAttributes = "GetParameterAttributes"
  case setParameterValues = "SetParameterValues"
  case setParameterAttributes = "SetParameterAttributes"
  case addObject = "AddObject"
  case deleteObject = "DeleteObject"
  case reboot = "Reboot"
  case factoryReset = "FactoryReset"
  case download = "Download"
  case scheduleInform = "ScheduleInform"
  case diagnostics = "SetParameterValues that starts diagnostics"
  case credentials = "SetParameterValues that gives credentials"
  case transferComplete = "TransferComplete"
  case transferFails = "transfer that fails"
  case autonomousTransferComplete = "AutonomousTransferComplete"
  case acsMethods = "GetRPCMethods of a CPE"
  case unknownRequest = "request that we do not have"
  case passwordTakenLate = "password taken late"
  case cpeVanishes = "CPE vanishes"
  case cpeLosesPower = "CPE loses power"
  case retriedBeforePlans = "broken session tried again before a restart"
  case informsBeforePlans = "inform anew before a restart"
  case connectionBreaks = "connection breaks"
  case answerLost = "answer lost"
  case postRepeated = "post repeated on a new connection"
  case responseRepeated = "response repeated on a new connection"
  case rpcRefused = "RPC refused"

  // Admission
  case gatewayCrowded = "gateway crowded"
  case informRefusedForOverload = "inform refused for overload"

  init(_ kind: CPEMessage.Kind) {
    self =
      switch kind {
      case .inform: .inform
      case .ready: .ready
      case .response: .response
      case .unsent: .unsent
      case .request: .request
      case .lost: .lost
      case .due: .due
      }
  }
}

/// How often what happened in histories.
struct Exercises {
  private(set) var counts: [Exercise: Int] = [:]

  mutating func saw(_ exercise: Exercise) { counts[exercise, default: 0] += 1 }

  mutating func add(_ other: Exercises) { counts.merge(other.counts) { $0 + $1 } }

  /// What never happened.
  var missing: [Exercise] { Exercise.allCases.filter { counts[$0] == nil } }

  /// A line each.
  var lines: [String] { Exercise.allCases.map { "\(String(counts[$0] ?? 0).padded(to: 9))  \($0.rawValue)" } }
}

extension String {
  fileprivate func padded(to width: Int) -> String { String(repeating: " ", count: max(0, width - count)) + self }
}

extension Simulation {
  func saw(_ request: CWMPRequest) {
    if case .setParameterValues(let settings, _) = request {
      if settings.contains(where: { $0.name == SimulatedDevice.diagnostics }) { saw(.diagnostics) }
      if settings.contains(where: { $0.name.hasSuffix("ConnectionRequestPassword") }) { saw(.credentials) }
    }
    if let exercise = Exercise(rawValue: request.method.rawValue) { saw(exercise) }
  }

  func saw(_ request: CPERequest) {
    switch request {
    case .getRPCMethods: saw(.acsMethods)
    case .transferComplete: saw(.transferComplete)
    case .autonomousTransferComplete: saw(.autonomousTransferComplete)
    case .unknown: saw(.unknownRequest)
    }
  }
}
