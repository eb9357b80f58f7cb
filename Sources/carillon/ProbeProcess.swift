import Glibc
import Networking
import SessionWorker

/// Runs a probe as a child process of this very binary and tells what became of it.
struct ProbeProcess {
  /// How long a child may take, start-up included.
  private static let patience: Duration = .seconds(40)
  /// The signals by which records kill their reader: traps, wild accesses, what a lack of memory becomes, and the limit
  /// of processor time.
  private static let deadly: [Int32: String] = [
    SIGILL: "SIGILL", SIGTRAP: "SIGTRAP", SIGSEGV: "SIGSEGV", SIGBUS: "SIGBUS", SIGABRT: "SIGABRT", SIGXCPU: "SIGXCPU",
  ]

  /// The configuration's file, if one was named.
  let configuration: String?
  let loop: EventLoop

  func run(_ range: ProbeRange) async -> ProbeVerdict {
    guard let child = spawn(range) else { return .undecided("the probe could not be started") }
    let end = ContinuousClock.now + Self.patience
    // Polled: a child that ends tells nobody else of it here, and 20 ms are nothing beside its start.
    while ContinuousClock.now < end {
      if let status = Self.status(of: child) { return Self.verdict(status) }
      do { try await loop.sleep(for: .milliseconds(20)) } catch { break }
    }
    kill(child, SIGKILL)
    var status: Int32 = 0
    waitpid(child, &status, 0)
    return .undecided("the probe was not done in time")
  }

  private static func status(of child: pid_t) -> Int32? {
    var status: Int32 = 0
    return waitpid(child, &status, WNOHANG) == child ? status : nil
  }

  private static func verdict(_ status: Int32) -> ProbeVerdict {
    let signal = status & 0x7f
    if signal == 0 {
      let code = status >> 8
      return code == 0 ? .survived : .undecided("the probe ended with \(code): it could not do its work")
    }
    if let name = deadly[signal] { return .died(name) }
    return .undecided("the probe was ended by signal \(signal)")
  }

  /// The child gets this process's environment, configuration and standard error; all else that is open here closes on
  /// exec.
  private func spawn(_ range: ProbeRange) -> pid_t? {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    let options = configuration.map { ["--config", $0] } ?? []
    let arguments = CStrings(["carillon", "worker", "--probe", range.description] + options)
    // A backtrace would take longer than all the rest.
    let variables = CStrings(
      Environment.variables.map { "\($0.key)=\($0.value)" }.filter { !$0.hasPrefix("SWIFT_BACKTRACE=") }
        + ["SWIFT_BACKTRACE=enable=no"])
    var child: pid_t = 0
    let result = posix_spawn(
      &child, "/proc/self/exe", &actions, &attributes, arguments.pointers, variables.pointers)
    return result == 0 ? child : nil
  }
}

/// An array of C strings, ended by a null pointer, for as long as it lives.
private final class CStrings {
  let pointers: [UnsafeMutablePointer<CChar>?]

  init(_ texts: [String]) { pointers = texts.map { strdup($0) } + [nil] }

  deinit { for pointer in pointers { free(pointer) } }
}
