import Glibc

extension MetricsRegistry {
  /// Adds the process's own: CPU time, resident memory, open files and their limit, start time, and the build.
  public func addProcessMetrics(version: String, role: String) {
    gauge("carillon_build_info", "The version and role that run; always 1.", ["version": version, "role": role]) { 1 }
    counter("process_cpu_seconds_total", "User and system CPU time.") { ProcessFigures.cpuSeconds() }
    gauge("process_resident_memory_bytes", "Resident memory.") { ProcessFigures.residentBytes() }
    gauge("process_open_fds", "Open file descriptors.") { ProcessFigures.openFiles() }
    gauge("process_max_fds", "The limit of open file descriptors.") { ProcessFigures.openFilesLimit() }
    let started = Double(SystemClock.unixMilliseconds()) / 1000
    gauge("process_start_time_seconds", "When the process started, in Unix time.") { started }
  }
}

/// What the kernel says of this process.
enum ProcessFigures {
  static func cpuSeconds() -> Double {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
      + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
  }

  static func residentBytes() -> Double {
    guard let bytes = try? FileContents.read("/proc/self/statm") else { return 0 }
    let pages = bytes.split(separator: 0x20).dropFirst().first.flatMap { Int(String(decoding: $0, as: UTF8.self)) }
    return Double((pages ?? 0) * sysconf(Int32(_SC_PAGESIZE)))
  }

  static func openFiles() -> Double {
    guard let folder = opendir("/proc/self/fd") else { return 0 }
    defer { closedir(folder) }
    var count = 0
    while readdir(folder) != nil { count += 1 }
    // Without `.`, `..` and the folder's own descriptor.
    return Double(max(0, count - 3))
  }

  static func openFilesLimit() -> Double {
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    return Double(limit.rlim_cur)
  }
}
