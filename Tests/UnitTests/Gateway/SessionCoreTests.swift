import Cryptography
import EventLog
import Testing

@testable import Gateway

@Suite("The gateway's half of a session")
struct SessionCoreTests {
  let instance = UUID128(high: 1, low: 1)
  let device = UUID128(high: 2, low: 2)
  let session = UUID128(high: 3, low: 3)
  var core = SessionCore(instance: UUID128(high: 1, low: 1), loop: 5, replyPartition: 2)

  var post: SessionCore.Post { SessionCore.Post(device: device, session: session, waits: true) }

  mutating func inform(at now: Int64 = 0) -> (PostID, UInt64) {
    let actions = core.inform(1, CPEMessage(.inform, device: device, session: session), now: now)
    guard case .append(let message, let ticket?) = actions.first, let id = message.post else {
      Issue.record("an Inform is appended")
      return (PostID(instance: instance, counter: 0), 0)
    }
    #expect(actions.count == 1 && message.replyPartition == 2)
    return (id, ticket)
  }

  func kinds(_ actions: [SessionCore.Action]) -> [String] {
    actions.map { action in
      switch action {
      case .append(let message, _): "\(message.kind)"
      case .respond(let exchange, let answer): "\(exchange):\(answer)"
      case .close(let exchange): "\(exchange):close"
      }
    }
  }

  @Test("an Inform is answered only when the log has it (P1)")
  mutating func informAnswered() {
    let (_, ticket) = inform()
    let seen1 = core.tick(now: 7_000_000).isEmpty
    #expect(seen1)
    let seen2 = kinds(core.acknowledged(ticket, succeeded: true, now: 7_000_000))
    #expect(seen2 == ["1:informed"])
    let seen3 = core.acknowledged(ticket, succeeded: true, now: 7_000_000).isEmpty
    #expect(seen3)
  }

  @Test("an Inform that the log does not take gets 503, at the latest after 8 s")
  mutating func informRefused() {
    let (_, failed) = inform()
    let seen4 = kinds(core.acknowledged(failed, succeeded: false, now: 1))
    #expect(seen4 == ["1:unavailable"])
    let (_, late) = inform()
    let seen5 = kinds(core.tick(now: 8_000_000))
    #expect(seen5 == ["1:unavailable"])
    let seen6 = core.acknowledged(late, succeeded: true, now: 8_100_000).isEmpty
    #expect(seen6)
  }

  @Test("the empty POST of a session without work is answered at once from the end it holds")
  mutating func trivialSession() {
    let (id, ticket) = inform()
    _ = core.acknowledged(ticket, succeeded: true, now: 1)
    let seen7 = core.directive(Directive(.end, post: id, session: session), now: 2).isEmpty
    #expect(seen7)
    let seen8 = kinds(core.empty(2, post, peer: "", now: 3))
    #expect(seen8 == ["2:nothing"])
  }

  @Test("an ended session is forgotten at once: its POST repeated asks the worker, as at any other gateway (P6)")
  mutating func endedSession() {
    let (id, ticket) = inform()
    _ = core.acknowledged(ticket, succeeded: true, now: 1)
    _ = core.directive(Directive(.end, post: id, session: session), now: 2)
    #expect(core.sessionCount == 1)
    _ = core.empty(2, post, peer: "", now: 3)
    #expect(core.sessionCount == 0)
    let seen9 = kinds(core.empty(3, post, peer: "", now: 4))
    #expect(seen9 == ["ready"])
  }

  @Test("after a worker has ended it, a session's empty POSTs append nothing, until its CPE says something more")
  mutating func floodAfterTheEnd() {
    _ = core.empty(2, post, peer: "", now: 0)
    let asked = PostID(instance: instance, counter: 2 << 8 | 5)
    let ended = kinds(core.directive(Directive(.end, post: asked, session: session), now: 1))
    #expect(ended == ["2:nothing"])
    for exchange in 3..<200 {
      let actions = kinds(core.empty(UInt64(exchange), post, peer: "", now: 2))
      #expect(actions == ["\(exchange):nothing"])
    }
    #expect(core.sessionCount == 0)
    let told = kinds(core.request(200, CPEMessage(.request, device: device, session: session), now: 3))
    #expect(told == ["request"])
    let again = kinds(core.empty(201, post, peer: "", now: 4))
    #expect(again == ["ready"])
  }

  @Test("a request is asked for again three times in a row at most; then its connection is closed (item 76)")
  mutating func retries() {
    var core = core
    func request(_ exchange: UInt64, taken: Bool) -> [String] {
      let actions = core.request(exchange, CPEMessage(.request, device: device, session: session), now: 0)
      guard case .append(_, let ticket?) = actions.first else { return [] }
      return kinds(core.acknowledged(ticket, succeeded: taken, now: 1))
    }
    for exchange in 1...3 {
      let seen = request(UInt64(exchange), taken: false)
      #expect(seen == ["\(exchange):retryRequest"])
    }
    #expect(request(4, taken: false) == ["4:close"])
    #expect(request(5, taken: true) == ["5:requestTaken"])
    #expect(request(6, taken: false) == ["6:retryRequest"])
  }

  @Test("a session that was ended before its verdict is kept until then: the verdict tells the latency")
  mutating func endedBeforeVerdict() {
    let (id, ticket) = inform()
    _ = core.acknowledged(ticket, succeeded: true, now: 1)
    let post = SessionCore.Post(device: device, session: session, waits: false)
    let ended = kinds(core.empty(2, post, peer: "", now: 2))
    #expect(ended == ["2:nothing"])
    _ = core.directive(Directive(.end, post: id, session: session), now: 400_000)
    #expect(core.latency.expected(now: 400_000) == 400_000)
  }

  @Test("an end that comes before the acknowledgement is kept")
  mutating func endBeforeAcknowledgement() {
    let (id, ticket) = inform()
    let seen10 = core.directive(Directive(.end, post: id, session: session), now: 1).isEmpty
    #expect(seen10)
    let seen11 = kinds(core.acknowledged(ticket, succeeded: true, now: 2))
    #expect(seen11 == ["1:informed"])
    let seen12 = kinds(core.empty(2, post, peer: "", now: 3))
    #expect(seen12 == ["2:nothing"])
  }

  @Test("`ready` tells the session's version and how its CPE is known: a worker may lack its Inform")
  mutating func readySaysWhatTheCookieKnows() {
    let post = SessionCore.Post(
      device: device, session: session, waits: true, namespaceMinor: 2, authentication: .own)
    let asked = core.empty(2, post, peer: "", now: 3) + core.tick(now: 3_000_000)
    let ready = asked.compactMap { action -> CPEMessage? in
      if case .append(let message, _) = action, message.kind == .ready { message } else { nil }
    }
    #expect(ready.count == 2, "it asks, and asks again")
    #expect(ready.allSatisfy { $0.namespaceMinor == 2 && $0.authentication == .own })
  }

  @Test("an empty POST before the verdict waits for it; end answers it, ask makes it ready")
  mutating func waitsForVerdict() {
    let (id, ticket) = inform()
    _ = core.acknowledged(ticket, succeeded: true, now: 1)
    let seen13 = core.empty(2, post, peer: "", now: 2).isEmpty
    #expect(seen13)
    let seen14 = kinds(core.directive(Directive(.end, post: id, session: session), now: 3))
    #expect(seen14 == ["2:nothing"])
    let (next, _) = inform(at: 10)
    let seen15 = core.empty(3, post, peer: "", now: 11).isEmpty
    #expect(seen15)
    let seen16 = kinds(core.directive(Directive(.ask, post: next, session: session), now: 12))
    #expect(seen16 == ["ready"])
  }

  @Test("without a verdict an empty POST asks by itself after 300 ms, and again after 2 s more")
  mutating func asksByItself() {
    let (_, ticket) = inform()
    _ = core.acknowledged(ticket, succeeded: true, now: 1)
    _ = core.empty(2, post, peer: "", now: 0)
    let seen17 = core.tick(now: 299_999).isEmpty
    #expect(seen17)
    let seen18 = kinds(core.tick(now: 300_000))
    #expect(seen18 == ["ready"])
    let seen19 = kinds(core.tick(now: 2_300_000))
    #expect(seen19 == ["ready"])
    let seen20 = kinds(core.tick(now: 5_000_000))
    #expect(seen20 == ["unsent", "2:nothing"])
  }

  @Test("a gateway that did not serve the Inform asks at once (P6)")
  mutating func otherGateway() {
    let seen21 = kinds(core.empty(2, post, peer: "", now: 0))
    #expect(seen21 == ["ready"])
  }

  @Test("a send answers its own POST once, before its deadline")
  mutating func send() {
    let actions = core.empty(2, post, peer: "", now: 0)
    guard case .append(let ready, nil) = actions.first, let id = ready.post else {
      Issue.record("ready")
      return
    }
    let send = Directive(.send, post: id, session: session, cwmpID: Array("a".utf8), body: [7])
    let seen22 = kinds(core.directive(send, now: 1))
    #expect(seen22 == ["2:rpc([7])"])
    let seen23 = core.directive(send, now: 2).isEmpty
    #expect(seen23)
    // The RPC's ID is given back to a response that lost it.
    let response = core.response(3, CPEMessage(.response, device: device, session: session), now: 3)
    guard case .append(let message, _) = response.first else {
      Issue.record("response")
      return
    }
    #expect(message.cwmpID == Array("a".utf8))
  }

  @Test("a send for another gateway, another session or a POST not held is dropped silently")
  mutating func foreignSend() {
    let actions = core.empty(2, post, peer: "", now: 0)
    guard case .append(let ready, nil) = actions.first, let id = ready.post else {
      Issue.record("ready")
      return
    }
    let elsewhere = PostID(instance: device, counter: id.counter)
    let seen24 = core.directive(Directive(.send, post: elsewhere, session: session, body: [1]), now: 1).isEmpty
    #expect(seen24)
    let seen25 = core.directive(Directive(.send, post: id, session: device, body: [1]), now: 1).isEmpty
    #expect(seen25)
    let unknown = PostID(instance: instance, counter: 77 << 8)
    let seen26 = core.directive(Directive(.send, post: unknown, session: session, body: [1]), now: 1).isEmpty
    #expect(seen26)
    #expect(core.waitingCount == 1)
  }

  @Test("a POST whose connection goes is told as unsent, and a later send finds nothing")
  mutating func connectionGone() {
    let actions = core.empty(2, post, peer: "", now: 0)
    guard case .append(let ready, nil) = actions.first, let id = ready.post else {
      Issue.record("ready")
      return
    }
    let seen27 = kinds(core.gone(2))
    #expect(seen27 == ["unsent"])
    let seen28 = core.directive(Directive(.send, post: id, session: session, body: [1]), now: 2).isEmpty
    #expect(seen28)
    let seen29 = core.gone(2).isEmpty
    #expect(seen29)
  }

  @Test("a response that the log does not take gets its connection closed, never a 204 that pretends")
  mutating func responseNotDurable() {
    _ = core.response(2, CPEMessage(.response, device: device, session: session), now: 0)
    let seen30 = kinds(core.tick(now: 5_000_000))
    #expect(seen30 == ["unsent", "2:close"])
  }

  @Test("a response that the log has and no directive follows gets 204 after 5 s, and unsent is told")
  mutating func responseWithoutDirective() {
    let actions = core.response(2, CPEMessage(.response, device: device, session: session), now: 0)
    guard case .append(_, let ticket?) = actions.first else {
      Issue.record("response")
      return
    }
    let early = kinds(core.tick(now: 2_900_000))
    #expect(early == [], "before the log has the response, `ready` would say that nothing was answered")
    let seen31 = core.acknowledged(ticket, succeeded: true, now: 2_900_000).isEmpty
    #expect(seen31)
    let seen32 = kinds(core.tick(now: 4_900_000))
    #expect(seen32 == ["ready"])
    let seen33 = kinds(core.tick(now: 5_000_000))
    #expect(seen33 == ["unsent", "2:nothing"])
  }

  @Test("after a request of the CPE the end from before it says nothing")
  mutating func endIsVoidAfterRequest() {
    let (id, ticket) = inform()
    _ = core.acknowledged(ticket, succeeded: true, now: 1)
    _ = core.directive(Directive(.end, post: id, session: session), now: 2)
    let actions = core.request(2, CPEMessage(.request, device: device, session: session), now: 3)
    guard case .append(_, let request?) = actions.first else {
      Issue.record("request")
      return
    }
    let seen34 = kinds(core.acknowledged(request, succeeded: true, now: 4))
    #expect(seen34 == ["2:requestTaken"])
    let seen35 = kinds(core.empty(3, post, peer: "", now: 5))
    #expect(seen35 == ["ready"])
  }

  @Test("a request that the log does not take is asked for again by fault 8005 (item 76)")
  mutating func requestRefused() {
    let actions = core.request(2, CPEMessage(.request, device: device, session: session), now: 3)
    guard case .append(_, let ticket?) = actions.first else {
      Issue.record("request")
      return
    }
    let seen36 = kinds(core.acknowledged(ticket, succeeded: false, now: 4))
    #expect(seen36 == ["2:retryRequest"])
  }

  @Test("a session that does not wait for work is ended at once by any gateway")
  mutating func doesNotWait() {
    let post = SessionCore.Post(device: device, session: session, waits: false)
    let seen37 = kinds(core.empty(2, post, peer: "", now: 0))
    #expect(seen37 == ["2:nothing"])
  }

  @Test("a stopping gateway answers every POST and tells of each that it was not sent")
  mutating func stops() {
    _ = core.empty(2, post, peer: "", now: 0)
    _ = core.inform(3, CPEMessage(.inform, device: device, session: UUID128(high: 9, low: 9)), now: 0)
    let seen38 = kinds(core.stop())
    #expect(seen38 == ["unsent", "2:nothing", "3:unavailable"])
    #expect(core.waitingCount == 0)
  }

  @Test("after missed directives ready is repeated for every POST held")
  mutating func asksAgain() {
    _ = core.empty(2, post, peer: "", now: 0)
    _ = core.empty(3, post, peer: "", now: 0)
    let seen39 = kinds(core.askAgain())
    #expect(seen39 == ["ready", "ready"])
  }

  @Test("what is known of a session is forgotten a minute after its last POST")
  mutating func memory() {
    let (_, ticket) = inform()
    _ = core.acknowledged(ticket, succeeded: true, now: 1)
    _ = core.tick(now: 59_999_999)
    #expect(core.sessionCount == 1)
    _ = core.tick(now: 60_000_001)
    #expect(core.sessionCount == 0)
    #expect(core.nextDeadline == nil)
  }

  @Test("workers that stop altogether are seen by the POSTs that got no directive")
  mutating func stoppedWorkers() {
    _ = core.empty(2, post, peer: "", now: 0)
    #expect(core.latency.expected(now: 5_000_000) == nil)
    _ = core.tick(now: 5_000_000)
    #expect(core.latency.expected(now: 5_000_000) == 5_000_000)
  }

  @Test("a latency sample is forgotten after 10 s, so that lag cannot latch")
  func latency() {
    var latency = DirectiveLatency()
    latency.observe(4_000_000, now: 0)
    #expect(latency.expected(now: 10_000_000) == 4_000_000)
    #expect(latency.expected(now: 10_000_001) == nil)
  }
}
