import Glibc

/// What a server sets once for its process, before the first loop.
public enum ProcessLimits {
  /// Raises the soft limit of open files to the hard one.
  ///
  /// - Returns: the limit now in force; size accept limits from it.
  @discardableResult
  public static func raiseOpenFiles() -> Int {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(UInt32(RLIMIT_NOFILE.rawValue)), &limit) == 0 else { return 1024 }
    if limit.rlim_cur < limit.rlim_max {
      limit.rlim_cur = limit.rlim_max
      setrlimit(__rlimit_resource_t(UInt32(RLIMIT_NOFILE.rawValue)), &limit)
      getrlimit(__rlimit_resource_t(UInt32(RLIMIT_NOFILE.rawValue)), &limit)
    }
    return Int(clamping: limit.rlim_cur)
  }

  /// Makes a write to a closed socket an error instead of the end of the process: OpenSSL and libpq write without
  /// MSG_NOSIGNAL.
  public static func ignoreBrokenPipes() {
    signal(SIGPIPE, SIG_IGN)
  }
}
