import CWMP
import Cryptography
import DataModel
import EventLog
import Fleet

/// The data of northbound events and the results of tasks, as JSON. Values of secret parameters never enter either.
enum EventData {
  /// A longer part of an event is left out, and the event says so: what it told is in the API, and no CPE makes events
  /// that the topics do not take. In bytes.
  static let longestPart = 512 << 10

  /// An event of a device. `extra` is a run of members, see ``values(_:)``.
  static func device(
    identity: String, session: UUID128, events: [CPEMessage.Event], softwareVersion: String, extra: [UInt8]
  ) -> [UInt8] {
    JSONBytes.object { json in
      json.member("identity", identity)
      json.member("session", session.description)
      if !softwareVersion.isEmpty { json.member("software_version", softwareVersion) }
      if !events.isEmpty {
        json.key("events")
        json.array { json in
          for event in events {
            json.object { json in
              json.member("code", event.code)
              if !event.commandKey.isEmpty { json.member("command_key", event.commandKey) }
            }
          }
        }
      }
      if extra.count > longestPart {
        json.member("omitted", "values")
      } else if !extra.isEmpty {
        json.raw(extra)
      }
    }
  }

  /// What became of a task.
  static func task(_ task: RPCTask, _ state: RPCTask.State, identity: String) -> [UInt8] {
    JSONBytes.object { json in
      json.member("task", task.id.description)
      json.member("identity", identity)
      json.member("method", task.request.method)
      json.member("state", state.name)
      json.member("attempt", task.attempt)
      json.member("origin", task.origin.name)
      if !task.originName.isEmpty { json.member("origin_name", task.originName) }
      if let key = task.idempotencyKey { json.member("idempotency_key", key) }
      if state.isFinal, let result = task.result {
        if result.count > longestPart {
          json.member("omitted", "result")
        } else {
          json.member("result", json: result)
        }
      }
      if let fault = task.fault { json.member("fault", json: fault) }
    }
  }

  /// The members `parameters`: names with values.
  static func values(_ values: [TwinChange.Value]) -> [UInt8] {
    members { json in
      json.key("parameters")
      json.object { json in
        for value in values where !value.path.isSecret {
          json.string(value.path.text)
          json.pair(value.after)
        }
      }
    }
  }

  /// One member.
  static func member(_ name: StaticString, _ value: String) -> [UInt8] {
    members { $0.member(name, value) }
  }

  /// The members of a TransferComplete.
  static func transfer(_ transfer: TransferComplete) -> [UInt8] {
    members { json in
      json.member("command_key", transfer.commandKey)
      json.member("fault_code", transfer.fault.code)
      json.member("fault_message", transfer.fault.string)
      json.member("start_time", transfer.startTime.text)
      json.member("complete_time", transfer.completeTime.text)
    }
  }

  /// The members of an AutonomousTransferComplete (item 153).
  static func autonomousTransfer(_ transfer: AutonomousTransferComplete) -> [UInt8] {
    members { json in
      json.member("announce_url", transfer.announceURL)
      json.member("transfer_url", transfer.transferURL)
      json.member("is_download", transfer.isDownload)
      json.member("file_type", transfer.fileType)
      json.member("file_size", transfer.fileSize)
      json.member("target_file_name", transfer.targetFileName)
      json.member("fault_code", transfer.fault.code)
      json.member("fault_message", transfer.fault.string)
      json.member("start_time", transfer.startTime.text)
      json.member("complete_time", transfer.completeTime.text)
    }
  }

  /// An object of a run of members.
  static func object(_ members: [UInt8]) -> [UInt8] {
    [UInt8(ascii: "{")] + members + [UInt8(ascii: "}")]
  }

  /// The result of an AddObject that evidence settled.
  static func instance(_ instance: UInt32) -> [UInt8] {
    JSONBytes.object { $0.member("instance", instance) }
  }

  /// What an RPC's response says.
  static func result(_ response: CPEResponse) -> [UInt8] {
    JSONBytes.object { json in
      switch response {
      case .getRPCMethods(let methods):
        json.key("methods")
        json.array { json in for method in methods { json.string(method) } }
      case .getParameterNames(let list):
        json.list("parameters", list) { json, item in
          json.member("name", item.name)
          json.member("writable", item.writable)
        }
      case .getParameterValues(let list):
        json.list("parameters", list) { json, item in
          let name = item.name
          json.member("name", name)
          json.member("value", ParameterPath(reported: name)?.isSecret == true ? "" : item.value)
          json.member("type", item.type.qualifiedName)
        }
      case .getParameterAttributes(let list):
        json.list("parameters", list) { json, item in
          json.member("name", item.name)
          json.member("notification", item.notification)
          json.key("access_list")
          json.array { json in for entry in item.accessList { json.string(entry) } }
        }
      case .setParameterValues(let status), .deleteObject(let status): json.member("status", status)
      case .addObject(let instance, let status):
        json.member("instance", instance)
        json.member("status", status)
      case .download(let transfer), .upload(let transfer):
        json.member("status", transfer.status)
        json.member("start_time", transfer.startTime.text)
        json.member("complete_time", transfer.completeTime.text)
      default: break
      }
    }
  }

  private static func members(_ body: (inout JSONBytes) -> Void) -> [UInt8] {
    Array(JSONBytes.object(body).dropFirst().dropLast())
  }
}

extension JSONBytes {
  /// The value after a name that was written as a string.
  fileprivate mutating func pair(_ value: String) {
    colon()
    string(value)
  }

  fileprivate mutating func list<Items: Sequence>(
    _ name: StaticString, _ items: Items, _ body: (inout JSONBytes, Items.Element) -> Void
  ) {
    key(name)
    array { json in
      for item in items { json.object { body(&$0, item) } }
    }
  }
}
