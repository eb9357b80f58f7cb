import Testing

@testable import TaskScheduler

struct CampaignPaceTests {
  @Test func `a campaign of 60 a minute begins one a second`() {
    var pace = CampaignPace(allowance: 0, ratePerMinute: 60, concurrency: 100)
    pace.fill(.seconds(1))
    #expect(pace.slots(underway: 0) == 1)
    pace.take(1)
    #expect(pace.slots(underway: 1) == 0)
    pace.fill(.milliseconds(500))
    #expect(pace.slots(underway: 1) == 0)
    pace.fill(.milliseconds(500))
    #expect(pace.slots(underway: 1) == 1)
  }

  @Test func `no more are under way than the cap`() {
    let pace = CampaignPace(allowance: 50, ratePerMinute: 6000, concurrency: 10)
    #expect(pace.slots(underway: 0) == 10)
    #expect(pace.slots(underway: 7) == 3)
    #expect(pace.slots(underway: 12) == 0)
  }

  @Test func `what was not used while it was paused is not made up for`() {
    var pace = CampaignPace(allowance: 0, ratePerMinute: 600, concurrency: 100_000)
    pace.fill(.seconds(86_400))
    #expect(pace.slots(underway: 0) == 100)
  }

  @Test func `a slow campaign still gets its device in time`() {
    var pace = CampaignPace(allowance: 0, ratePerMinute: 1, concurrency: 5)
    pace.fill(.seconds(59))
    #expect(pace.slots(underway: 0) == 0)
    pace.fill(.seconds(1))
    #expect(pace.slots(underway: 0) == 1)
    pace.fill(.seconds(600))
    #expect(pace.slots(underway: 0) == 1)
  }

  @Test func `a clock that goes back takes nothing away, and a rate of zero begins nothing`() {
    var pace = CampaignPace(allowance: 0, ratePerMinute: 0, concurrency: 5)
    pace.fill(.seconds(-5))
    pace.fill(.seconds(500))
    #expect(pace.slots(underway: 0) == 0)
  }
}
