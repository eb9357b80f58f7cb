/// A record that a newer program wrote.
struct NewerRecord: Error, CustomStringConvertible {
  let partition: Int32
  let offset: Int64
  var description: String {
    "record \(offset) of partition \(partition) was written by a newer version: it waits for a worker of that version; "
      + "update the workers before the gateways and schedulers"
  }
}
