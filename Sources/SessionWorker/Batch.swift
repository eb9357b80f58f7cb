import CWMP
import Cryptography
import DataModel
import EventLog
import Fleet
import Policy
import XML

/// The records of one batch on their way through the worker: read, classified, parsed; what cannot be is condemned to
/// the dead letters, and only it (promise P7).
struct Batch {
  /// A record that is not folded, and why.
  struct DeadLetter {
    var record: LogRecord
    var device: UUID128
    var session: UUID128
    /// How its sender proved itself; nil where that was not read.
    var authentication: CPEMessage.Authentication?
    var reason: String
  }

  /// Of a larger record the dead letter leaves the value out, for it would grow by a third and might not fit on a
  /// topic: until its retention it stands where the dead letter says. In bytes.
  private static let longestDeadLetter = 8 << 20

  /// What is to be folded, in order.
  private(set) var inputs: [BatchFold.Input] = []
  /// The devices' states: contacts first, all of those that are loaded whole later.
  var states: [UUID128: DeviceState] = [:]
  private(set) var deadLetters: [DeadLetter] = []
  private var records: [LogRecord] = []
  /// How long the oldest record had waited in the log when the batch was folded; microseconds.
  private(set) var age: Int64 = 0

  /// Reads the records' headers and opens their bodies.
  init(_ records: [LogRecord], opening seal: RecordSeal) {
    inputs.reserveCapacity(records.count)
    for record in records where !record.isHeartbeat {
      do throws(MalformedRecord) {
        let message = try CPEMessage(record, seal: seal)
        inputs.append(
          BatchFold.Input(offset: record.offset, partition: record.partition.number, message: message, body: nil))
        self.records.append(record)
        if states[message.device] == nil { states[message.device] = DeviceState(id: message.device) }
      } catch {
        deadLetters.append(DeadLetter(record: record, device: .zero, session: .zero, reason: error.description))
      }
    }
  }

  /// The batch of one record that nothing of is read but its key, the device's id.
  init(unread record: LogRecord, _ reason: String) {
    let device = UUID128(text: record.key.span) ?? .zero
    deadLetters = [DeadLetter(record: record, device: device, session: .zero, reason: reason)]
    if device != .zero { states[device] = DeviceState(id: device) }
  }

  /// Every device of the batch, in order.
  var devices: [UUID128] { states.keys.sorted() }

  /// Takes every record for a dead letter: the batch of one that PostgreSQL refuses.
  mutating func condemnAll(_ reason: String) {
    for index in inputs.indices { condemn(index, reason) }
    inputs = []
  }

  /// Marks trivial Informs. A device with any other record in the batch is folded whole.
  ///
  /// What was appended before the database was restored is folded and never answered: its POST is long over, though by
  /// the clock of the server of then it might not be.
  mutating func classify(
    _ contacts: [UUID128: BatchStore.Contact], policyEpoch: Int64, restoreCount: Int32, now: Int64
  ) {
    age = records.lazy.map(\.timestamp).min().map { max(now - $0, 0) } ?? 0
    var whole = Set(deadLetters.map(\.device))
    for (device, contact) in contacts where whole.contains(device) { states[device]?.contact = contact.row }
    for index in inputs.indices {
      if inputs[index].message.restoreCount != restoreCount { inputs[index].message.answerBy = 0 }
      let message = inputs[index].message
      let contact = contacts[message.device]
      states[message.device]?.contact = contact?.row
      inputs[index].isTrivial = Fold.isTrivial(
        message, contact?.row, hasWork: contact?.hasWork ?? true, policyEpoch: policyEpoch, now: now)
      if !inputs[index].isTrivial { whole.insert(message.device) }
    }
    for index in inputs.indices where whole.contains(inputs[index].message.device) { inputs[index].isTrivial = false }
  }

  /// Devices of which only the contact changes.
  var trivialDevices: Set<UUID128> { Set(inputs.lazy.filter(\.isTrivial).map(\.message.device)) }

  /// Devices that must be loaded whole; those of dead letters too, whose sessions end.
  var devicesToLoad: [UUID128] {
    var devices = Set(inputs.lazy.filter { !$0.isTrivial }.map(\.message.device))
    for letter in deadLetters where letter.device != .zero { devices.insert(letter.device) }
    return devices.sorted()
  }

  /// Parses the bodies of what is not trivial.
  mutating func parse(_ parser: EnvelopeParser) {
    var kept: [BatchFold.Input] = []
    kept.reserveCapacity(inputs.count)
    for index in inputs.indices {
      var input = inputs[index]
      if !input.isTrivial, !input.message.body.isEmpty {
        do throws(CWMPError) {
          input.body = try parser.parse(input.message.body, charset: XMLCharset(label: input.message.charset))
        } catch {
          condemn(index, "\(error)")
          continue
        }
      }
      kept.append(input)
    }
    inputs = kept
  }

  private mutating func condemn(_ index: Int, _ reason: String) {
    let message = inputs[index].message
    deadLetters.append(
      DeadLetter(
        record: records[index], device: message.device, session: message.session,
        authentication: message.authentication, reason: reason))
  }

  /// The parts of the devices' twins that the batch's folds touch, once the devices' rows are loaded.
  func scope(_ engine: PolicyEngine) -> TwinScope {
    var scope = TwinScope()
    for input in inputs where !input.isTrivial {
      let state = states[input.message.device]
      if let device = state?.device {
        scope.formUnion(engine.scope(for: DeviceFacts(device, input.body?.inform)))
      }
      for task in state?.tasks ?? [] { scope.insert(task, root: state?.device?.root ?? "") }
      if let inform = input.body?.inform { scope.insert(inform.parameters.lazy.map(\.name)) }
      // More than was asked for may come (item 127).
      switch input.body?.response {
      case .getParameterValues(let list): scope.insert(list.lazy.map(\.name))
      case .getParameterNames(let list): scope.insert(list.lazy.map(\.name))
      case .getParameterAttributes(let list): scope.insert(list.lazy.map(\.name))
      default: break
      }
    }
    return scope
  }

  /// Puts the dead letters into the outbox, fails the outstanding attempt of each device and ends its session.
  func addDeadLetters(
    to outcome: inout BatchFold.Outcome, incarnation: UUID128, shared: Fold.Context.Shared
  ) {
    let now = shared.now
    for letter in deadLetters {
      let ids = RecordIDs(
        incarnation, letter.record.partition.number, letter.record.offset, milliseconds: now / 1000)
      let data = JSONBytes.object { json in
        json.member("reason", String(letter.reason.prefix(2000)))
        json.member("partition", letter.record.partition.number)
        json.member("offset", letter.record.offset)
        json.member("device", letter.device.description)
        json.member("session", letter.session.description)
        // As it stood on the log: sealed where it may hold secrets.
        json.member("headers", Base64.encode(letter.record.headers.bytes.span))
        if letter.record.value.count > Self.longestDeadLetter {
          json.member("omitted", "value")
        } else {
          json.member("value", Base64.encode(letter.record.value.span))
        }
      }
      let event = NorthboundEvent(
        topic: .deadLetters, type: "carillon.dead-letter.v1", device: letter.device, time: now, data: data)
      outcome.events.append((ids.name(of: event), event))
      outcome.alarms.append((letter.device, "record to the dead letters: \(letter.reason)"))
      guard let state = outcome.states[letter.device] else { continue }
      let (after, effects) = Fold.passOver(state, Fold.Context(shared, newID: ids.next))
      outcome.states[letter.device] = after
      for effect in effects { outcome.take(effect, letter.device, ids) }
    }
  }
}

extension TwinScope {
  /// Adds what the task reads when it is sent, and what its answer, or the lack of one, may change.
  fileprivate mutating func insert(_ task: RPCTask, root: String) {
    // A setting without a type takes the one that the twin knows; and what was sent may get no answer.
    insert(task.request.settings.lazy.map(\.name))
    guard task.awaitsEvidence else { return }
    switch task.request {
    case .getParameterValues(let names), .getParameterAttributes(let names):
      for name in names { insert(subtree: name) }
    case .getParameterNames(let path, _), .addObject(let path), .deleteObject(let path): insert(subtree: path)
    case .setParameterValues: insert(CollectionOfOne(root + "ManagementServer.ParameterKey"))
    default: break
    }
  }

  private mutating func insert(subtree name: String) {
    if let path = ParameterPath(reported: name) { insert(subtree: path) }
  }

  /// Adds parameters by name; those of one object are mostly named one after another.
  fileprivate mutating func insert(_ names: some Sequence<String>) {
    var object: Substring?
    for name in names {
      let end = name.utf8.lastIndex(of: UInt8(ascii: ".")).map { name.utf8.index(after: $0) } ?? name.startIndex
      guard object != name[..<end], let path = ParameterPath(reported: name) else { continue }
      object = name[..<end]
      insert(path)
    }
  }
}
