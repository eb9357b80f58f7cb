import Networking
import Testing

@testable import TaskScheduler

struct ConnectionRequestPaceTests {
  private let start = ContinuousClock.now
  private func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }

  @Test func `ten thousand devices that claim one address bring it two requests a minute`() throws {
    var pace = ConnectionRequestPace(perSecond: 200, now: start)
    let victim = try address("198.51.100.7")
    var admitted = 0
    for number in 0..<10_000 where pace.admits(victim, start + .milliseconds(number * 30)) { admitted += 1 }
    #expect(admitted == 2 + 9, "two at once, then one each 30 s for 300 s")
    let other = try address("198.51.100.8")
    let isAdmitted = pace.admits(other, start + .seconds(300))
    #expect(isAdmitted, "its neighbour is not held up")
  }

  @Test func `a network gets fifty a second, whichever of its addresses are asked`() throws {
    for (network, other) in [("198.51.100.", "198.51.101.9"), ("2001:db8:1:2::", "2001:db8:2::9")] {
      var pace = ConnectionRequestPace(perSecond: 1000, now: start)
      var admitted = 0
      for number in 1...200 where pace.admits(try address("\(network)\(number)"), start) { admitted += 1 }
      #expect(admitted == 50)
      let another = pace.admits(try address(other), start)
      let later = pace.admits(try address("\(network)250"), start + .milliseconds(20))
      #expect(another && later)
    }
  }

  @Test func `the process begins so many a second and does not make up for a pause`() {
    var pace = ConnectionRequestPace(perSecond: 40, now: start)
    var rooms = [pace.room(start)]
    pace.take(40)
    for time in [Duration.zero, .milliseconds(250), .seconds(3600)] { rooms.append(pace.room(start + time)) }
    #expect(rooms == [40, 0, 10, 40])
  }

  @Test func `simulators on this machine are not limited`() throws {
    var pace = ConnectionRequestPace(perSecond: 1, now: start)
    let admitted = (0..<1000).filter { _ in pace.admits(.loopback, start) }
    #expect(admitted.count == 1000)
  }

  @Test func `what it remembers is bounded by a minute's requests`() throws {
    var pace = ConnectionRequestPace(perSecond: 1, now: start)
    for number in 0..<50_000 {
      let address = IPAddress(ipv4: 0x0A00_0000 + UInt32(number) * 77)
      _ = pace.admits(address, start + .milliseconds(number * 100))
    }
    #expect(pace.remembered < 4000)
  }
}
