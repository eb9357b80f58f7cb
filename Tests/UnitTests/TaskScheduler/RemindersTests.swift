import Testing

@testable import TaskScheduler

struct RemindersTests {
  @Test func `what was told is told again after the interval, and what is new at once`() {
    let begin = ContinuousClock.now
    var reminders = Reminders<String>(every: .seconds(30))
    #expect(reminders.due(["a"], now: begin) == ["a"])
    reminders.note(["a"], now: begin)
    #expect(reminders.due(["a", "b"], now: begin + .seconds(29)) == ["b"])
    #expect(reminders.due(["a"], now: begin + .seconds(30)) == ["a"])
  }

  @Test func `what could not be told stays due`() {
    let begin = ContinuousClock.now
    var reminders = Reminders<Int>(every: .seconds(30))
    #expect(reminders.due([1], now: begin) == [1])
    #expect(reminders.due([1], now: begin + .seconds(1)) == [1])
  }
}
