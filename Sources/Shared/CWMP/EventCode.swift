/// An event of an Inform (TR-069 §3.7.1.5, table 2.4 of the protocol notes).
public enum EventCode: Sendable, Hashable, CustomStringConvertible {
  /// `0 BOOTSTRAP`: first contact, a changed ACS URL or a factory reset.
  case bootstrap
  /// `1 BOOT`.
  case boot
  /// `2 PERIODIC`.
  case periodic
  /// `3 SCHEDULED`.
  case scheduled
  /// `4 VALUE CHANGE`.
  case valueChange
  /// `5 KICKED`.
  case kicked
  /// `6 CONNECTION REQUEST`.
  case connectionRequest
  /// `7 TRANSFER COMPLETE`: announces the RPC of that name.
  case transferComplete
  /// `8 DIAGNOSTICS COMPLETE`.
  case diagnosticsComplete
  /// `9 REQUEST DOWNLOAD`: announces the RPC of that name.
  case requestDownload
  /// `10 AUTONOMOUS TRANSFER COMPLETE`: announces the RPC of that name.
  case autonomousTransferComplete
  /// `11 DU STATE CHANGE COMPLETE`: announces the RPC of that name.
  case duStateChangeComplete
  /// `12 AUTONOMOUS DU STATE CHANGE COMPLETE`: announces the RPC of that name.
  case autonomousDUStateChangeComplete
  /// `13 WAKEUP` (Annex L).
  case wakeup
  /// `14 HEARTBEAT` (Annex O).
  case heartbeat
  /// `M Reboot`: its EventStruct carries the Reboot's CommandKey.
  case reboot
  /// `M ScheduleInform`, with its CommandKey.
  case scheduleInform
  /// `M Download`, with its CommandKey.
  case download
  /// `M ScheduleDownload`, with its CommandKey.
  case scheduleDownload
  /// `M Upload`, with its CommandKey.
  case upload
  /// `M ChangeDUState`, with its CommandKey.
  case changeDUState
  /// A vendor's event or one that is not known here, as sent (item 82).
  case other(String)

  /// Reads an EventCode, trimmed; never fails. Case does not matter.
  public init(_ text: String) {
    let text = text.trimmingXMLSpace()
    self = Self.exact[text] ?? Self.texts.first { $0.1.equalsIgnoringCase(text) }?.0 ?? .other(text)
  }

  /// The EventCode as the standard writes it.
  public var description: String {
    if case .other(let text) = self { return text }
    return Self.texts.first { $0.0 == self }?.1 ?? ""
  }

  /// Whether the CPE will send an RPC about it in this session (events 7, 9, 10, 11, 12; item 86).
  public var announcesRequest: Bool {
    switch self {
    case .transferComplete, .requestDownload, .autonomousTransferComplete, .duStateChangeComplete,
      .autonomousDUStateChangeComplete:
      true
    default: false
    }
  }

  private static let texts: [(EventCode, String)] = [
    (.bootstrap, "0 BOOTSTRAP"), (.boot, "1 BOOT"), (.periodic, "2 PERIODIC"), (.scheduled, "3 SCHEDULED"),
    (.valueChange, "4 VALUE CHANGE"), (.kicked, "5 KICKED"), (.connectionRequest, "6 CONNECTION REQUEST"),
    (.transferComplete, "7 TRANSFER COMPLETE"), (.diagnosticsComplete, "8 DIAGNOSTICS COMPLETE"),
    (.requestDownload, "9 REQUEST DOWNLOAD"), (.autonomousTransferComplete, "10 AUTONOMOUS TRANSFER COMPLETE"),
    (.duStateChangeComplete, "11 DU STATE CHANGE COMPLETE"),
    (.autonomousDUStateChangeComplete, "12 AUTONOMOUS DU STATE CHANGE COMPLETE"), (.wakeup, "13 WAKEUP"),
    (.heartbeat, "14 HEARTBEAT"), (.reboot, "M Reboot"), (.scheduleInform, "M ScheduleInform"),
    (.download, "M Download"), (.scheduleDownload, "M ScheduleDownload"), (.upload, "M Upload"),
    (.changeDUState, "M ChangeDUState"),
  ]

  private static let exact = Dictionary(uniqueKeysWithValues: texts.map { ($0.1, $0.0) })
}
