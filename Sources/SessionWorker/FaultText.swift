import CWMP
import Fleet

/// Why a task is not done, as JSON with `code` and `message`; codes under 8000 are ours and not CWMP's.
enum FaultText {
  /// The session broke before an answer.
  static let lost = own(1, "no answer: the session broke")
  /// Not sent by the deadline.
  static let expired = own(2, "not sent by its deadline")
  /// Sent, and no evidence by the deadline.
  static let noEvidence = own(3, "no evidence that it was done by its deadline")
  /// Evidence that it was not done.
  static let notDone = own(4, "the device shows that it was not done")
  /// What it depends on did not succeed.
  static let dependency = own(5, "the task that it depends on did not succeed")
  /// It cannot be written for this device.
  static let unrenderable = own(6, "it cannot be sent: the device's root or its credentials are unknown")

  /// The gateway did not take the CPE's answer.
  static func refused(_ reason: String) -> [UInt8] { own(7, "the answer was refused: \(reason)") }

  /// A CPE's fault with the parameters that it names (item 132).
  static func json(_ fault: CWMPFault) -> [UInt8] {
    JSONBytes.object { json in
      json.member("code", fault.code)
      json.member("message", fault.string)
      guard !fault.parameters.isEmpty else { return }
      json.key("parameters")
      json.array { json in
        for parameter in fault.parameters {
          json.object { json in
            json.member("name", parameter.name)
            json.member("code", parameter.code)
            json.member("message", parameter.string)
          }
        }
      }
    }
  }

  private static func own(_ code: Int, _ message: String) -> [UInt8] {
    JSONBytes.object { json in
      json.member("code", code)
      json.member("message", message)
    }
  }
}
