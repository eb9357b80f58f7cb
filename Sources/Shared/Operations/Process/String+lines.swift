extension StringProtocol {
  /// Its lines without their ends, which are LF or CRLF; what follows the last one is a line too, often an empty one.
  ///
  /// Swift takes CRLF for one character, so that `split(separator: "\n")` leaves a file of such lines in one piece.
  public var lines: [SubSequence] {
    split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }
  }
}
