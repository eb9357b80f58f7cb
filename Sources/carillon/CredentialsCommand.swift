import CWMP
import Cryptography
import Fleet
import Networking
import Operations
import PostgreSQL

/// `carillon credentials import FILE`: credentials that devices already have, such as those that left the factory with
/// them. One device a line: `OUI,ProductClass,SerialNumber,password`, the first three as the device informs them. The
/// file holds secrets, and others may not be able to read it.
enum CredentialsCommand {
  private static let batch = 1000

  static func run(_ arguments: Arguments, _ configuration: Configuration) async throws -> Int32 {
    guard let path = arguments.operands.first, arguments.operands.count == 1 else {
      throw UsageError(command: "carillon credentials import", reason: "takes one FILE")
    }
    // In the order in which workers lock them.
    let devices = try read(path).sorted { $0.id < $1.id }
    let process = try ServerProcess(configuration, component: "credentials", writer: LogWriter())
    let sealer = ValueSealer(process.keyring)
    let lane = try Lane(on: process.control, process.database)
    for start in stride(from: 0, to: devices.count, by: batch) {
      var ids = PostgreSQLArray(.uuid)
      var names = PostgreSQLArray(.text)
      var secrets = PostgreSQLArray(.bytes)
      for device in devices[start..<min(start + batch, devices.count)] {
        ids.append(device.id)
        names.append(device.identity)
        secrets.append(bytes: try sealer.seal(device.password, owner: device.id))
      }
      _ = try await lane.query(write, .array(ids), .array(names), .array(secrets))
    }
    await lane.close()
    print("imported \(devices.count) credentials")
    return 0
  }

  private struct Device {
    var id: UUID128
    var identity: String
    var password: String
  }

  private static func read(_ path: String) throws -> [Device] {
    let text = String(decoding: try FileContents.readSecret(path, limit: 256 << 20), as: UTF8.self)
    var seen: Set<UUID128> = []
    var devices: [Device] = []
    for (index, line) in text.lines.enumerated() {
      if line.isEmpty || line.hasPrefix("#") { continue }
      let fields = line.split(separator: ",", maxSplits: 3, omittingEmptySubsequences: false)
      guard fields.count == 4, !fields[0].isEmpty, !fields[2].isEmpty, !fields[3].isEmpty else {
        throw ImportError(description: "\(path): line \(index + 1) is not OUI,ProductClass,SerialNumber,password")
      }
      let id = DeviceID(oui: String(fields[0]), productClass: String(fields[1]), serialNumber: String(fields[2]))
      if let excess = id.excess { throw ImportError(description: "\(path): line \(index + 1): \(excess)") }
      guard seen.insert(id.id).inserted else {
        throw ImportError(description: "\(path): line \(index + 1): the device \(id.canonicalIdentity) stands twice")
      }
      devices.append(Device(id: id.id, identity: id.canonicalIdentity, password: String(fields[3])))
    }
    return devices
  }

  private struct ImportError: Error, CustomStringConvertible { var description: String }

  private static let write = Statement(
    "credentials.import",
    """
    INSERT INTO credential (device, username, secret, changed_at)
    SELECT *, now() FROM unnest($1::uuid[], $2::text[], $3::bytea[])
    ON CONFLICT (device) DO UPDATE SET username = EXCLUDED.username, secret = EXCLUDED.secret, pending_secret = NULL,
      held_at = NULL, changed_at = EXCLUDED.changed_at
    """)
}
