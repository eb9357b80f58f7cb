import Testing

@testable import Fleet

@Suite("The database's clock, as it is known here")
struct DatabaseClockTests {
  /// By this machine's clock asked at 1,000 and answered after `way`.
  private func offset(known: Int64, way: Int64, there: Int64) -> Int64 {
    DatabaseClock.offset(known: known, asked: 1_000, answered: 1_000 + way, there: there)
  }

  @Test func `an answer that came quickly sets it to within its way`() {
    #expect((490...500).contains(offset(known: 0, way: 10, there: 1_500)))
    #expect((490...500).contains(offset(known: 9_999_999, way: 10, there: 1_500)))
    #expect((-5_010 ... -5_000).contains(offset(known: 500, way: 10, there: -4_000)))
  }

  @Test func `one that was ten seconds under way changes nothing that it does not contradict`() {
    #expect(offset(known: 500, way: 10_000_000, there: 9_001_500) == 500)
    #expect(offset(known: 500, way: 10_000_000, there: 1_500) == 500)
    // A database with another clock by an hour.
    #expect((3_590_000_500...3_600_000_500).contains(offset(known: 500, way: 10_000_000, there: 3_600_001_500)))
  }
}
