/// What operators may set about the fold, with the defaults of docs/architecture.md. All times in microseconds.
public struct FoldSettings: Sendable {
  /// How often policies may be evaluated in one session.
  public var maximumRounds: Int16 = 16
  /// How many RPCs one session may carry.
  public var maximumRPCs: Int16 = 64
  /// How much older than the present session an Inform may be and still count as merely late.
  public var lateness: Int64 = 15_000_000
  /// How long after a dispatch the absence of a BOOT is evidence that a CPE did not restart.
  public var bootPatience: Int64 = 5 * 60_000_000
  /// The least time without a POST after which a session is lost, in seconds (item 71).
  public var sessionTimeout: Int32 = 30
  /// How long the credentials task may take.
  public var credentialsDeadline: Int64 = 24 * 3_600_000_000
  /// How long a policy's RPC may stay outstanding before its deadline.
  public var policyDeadline: Int64 = 3_600_000_000
  /// Whether devices that came with the bootstrap credential get a ManagementServer credential of their own.
  public var givesCredentials = true
  /// First wait before a failed task is tried again; doubles each time.
  public var retryWait: Int64 = 30_000_000
  /// Longest wait before a failed task is tried again.
  public var longestRetryWait: Int64 = 6 * 3_600_000_000
  /// A serial number at whose Inform the fold traps, to rehearse what a crash of the worker does.
  public var trapOn: String?

  /// The defaults.
  public init() {}
}
