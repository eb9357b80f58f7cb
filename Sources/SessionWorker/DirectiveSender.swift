import Cryptography
import EventLog

/// Sends what a batch has for the POSTs that gateways hold. It is given nothing that is not committed (P3).
struct DirectiveSender {
  let producer: any LogProducer
  let seal: RecordSeal
  let report: WorkerReport

  /// Appends a record for each `send`, and one with all `end` and `ask` of a gateway.
  func send(_ directives: [(Directive, replyPartition: Int32)]) {
    var lists: [UUID128: (partition: Int32, directives: [Directive])] = [:]
    var order: [UUID128] = []
    for (directive, partition) in directives {
      let gateway = directive.post.instance
      if directive.verdict == .send {
        append(DirectiveRecord.send(directive) { seal.seal($0, for: directive.session) }, partition)
      } else {
        if lists[gateway] == nil { order.append(gateway) }
        lists[gateway, default: (partition, [])].directives.append(directive)
      }
    }
    for gateway in order {
      if let list = lists[gateway] { append(DirectiveRecord.list(list.directives), list.partition) }
    }
  }

  private func append(_ record: (RecordHeaders, [UInt8]), _ partition: Int32) {
    let outgoing = OutgoingRecord(
      partition: Partition(.directives, partition), key: [], headers: record.0, value: record.1)
    producer.append(outgoing) { [report] result in
      // A directive that is lost costs one repeated `ready`.
      if case .failure(let error) = result { report.failed("directive not appended", error) }
    }
  }
}
