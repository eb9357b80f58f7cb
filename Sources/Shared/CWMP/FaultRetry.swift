/// Whether a request that brought a fault is worth sending again (item 176).
public enum FaultRetry: Sendable, Hashable {
  /// It may succeed later as it is: the CPE was busy or short of something, or a file server away.
  case later
  /// It will fail again unless it, or something that an operator looks after, changes.
  case never
}

extension CWMPFault {
  /// The retry class of the code. Reserved and vendor codes count as `later`: attempts are capped anyway.
  public var retry: FaultRetry {
    switch code {
    case 9000, 9003, 9005...9009, 9012, 9013, 9019, 9021...9026, 9028...9032, 8000, 8003, 8006: .never
    default: .later
    }
  }
}
