/// Why a task ended without having been sent, as JSON with `code` and `message`; codes under 8000 are ours, as the
/// worker has them, and no CPE's.
enum EndReason {
  static let expired = #"{"code":2,"message":"not sent by its deadline"}"#
  static let dependency = #"{"code":5,"message":"the task that it depends on did not succeed"}"#
  static let campaignCancelled = #"{"code":8,"message":"its campaign was cancelled"}"#
}
