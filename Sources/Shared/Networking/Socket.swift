import CLibEvent
import Glibc

/// Sockets as this project wants them: non-blocking, close-on-exec.
enum Socket {
  static func make(for address: SocketAddress, _ operation: String) throws(NetworkingError) -> CInt {
    let descriptor = carillon_socket(address.family)
    guard descriptor >= 0 else { throw .system(operation) }
    return descriptor
  }

  static func set(_ descriptor: CInt, _ level: CInt, _ option: CInt, _ value: CInt = 1) {
    var value = value
    setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<CInt>.size))
  }

  static func setNoDelay(_ descriptor: CInt) { set(descriptor, CInt(IPPROTO_TCP), TCP_NODELAY) }
}
