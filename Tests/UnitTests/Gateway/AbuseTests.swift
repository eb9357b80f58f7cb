import Cryptography
import Networking
import Testing

@testable import Gateway

@Suite("What nobody may do too often")
struct AbuseTests {
  private let here = IPAddress.loopback
  private let there = IPAddress(ipv4: 0x0A00_0001)

  private func answer(_ nonce: String, count: UInt32?) throws -> DigestAuthorization {
    var challenge = DigestChallenge(realm: "r", nonce: nonce)
    challenge.offersProtection = count != nil
    let value = challenge.answer(
      username: "u", password: "p", method: "POST", uri: "/", clientNonce: "c", nonceCount: count ?? 1)
    guard case .digest(let digest) = try AuthorizationHeader.parse(Array(value.utf8).span) else { throw Unexpected() }
    return digest
  }

  private struct Unexpected: Error {}

  @Test("a Digest answer is taken once; without a nonce count, from the address that used its nonce first")
  func replays() throws {
    let nonces = DigestNonces(ClusterKeyring(try ClusterSecret(bytes: Array(0..<32))), realm: "r")
    let replays = DigestReplays(lifetime: 30_000)
    let (one, two) = (nonces.issue(now: 0), nonces.issue(now: 0))
    #expect(replays.isFirst(try answer(one, count: 1), from: here, now: 0))
    #expect(replays.isFirst(try answer(one, count: 2), from: here, now: 1))
    #expect(replays.isFirst(try answer(two, count: 1), from: here, now: 2))
    for now in [3, 29_000, 59_000] as [Int64] {
      #expect(!replays.isFirst(try answer(one, count: 1), from: here, now: now))
      #expect(!replays.isFirst(try answer(one, count: 1), from: there, now: now))
    }
    let bare = nonces.issue(now: 0)
    #expect(replays.isFirst(try answer(bare, count: nil), from: here, now: 0))
    #expect(replays.isFirst(try answer(bare, count: nil), from: here, now: 1))
    #expect(!replays.isFirst(try answer(bare, count: nil), from: there, now: 2))
  }

  @Test("the answers taken are remembered for as long as their nonce lives, and then forgotten")
  func forgotten() throws {
    let nonces = DigestNonces(ClusterKeyring(try ClusterSecret(bytes: Array(0..<32))), realm: "r")
    let replays = DigestReplays(lifetime: 30_000)
    let old = try answer(nonces.issue(now: 0), count: 1)
    #expect(replays.isFirst(old, from: here, now: 100_000))
    for minute in 1...3 {
      #expect(
        replays.isFirst(try answer(nonces.issue(now: 0), count: 1), from: here, now: 100_000 + Int64(minute) * 61_000))
    }
    #expect(replays.isFirst(old, from: here, now: 300_000))
  }

  @Test(
    "who fails to prove a credential ten times in a minute is refused, and nobody else behind its address (item 110)")
  func failures() {
    var failures = FailedProofs()
    let (bad, good) = (Array("bad".utf8), Array("good".utf8))
    func isAllowed(_ username: [UInt8], _ peer: IPAddress, _ now: Int64) -> Bool {
      failures.allows(username, from: peer, now: now)
    }
    for _ in 0..<10 {
      let allowed = isAllowed(bad, here, 1)
      #expect(allowed)
      failures.note(bad, from: here, now: 1)
    }
    let seen = [
      isAllowed(bad, here, 2), isAllowed(good, here, 2), isAllowed(bad, there, 2), isAllowed(bad, here, 60_000_000),
    ]
    #expect(seen == [false, true, true, true])
  }

  @Test("an IPv6 network of 64 bits is one address, for its owner has them all")
  func networks() throws {
    var failures = FailedProofs()
    for number in 1...10 {
      failures.note([1], from: try #require(IPAddress("2001:db8::\(number)")), now: 0)
    }
    let same = failures.allows([1], from: try #require(IPAddress("2001:db8::ff")), now: 1)
    let other = failures.allows([1], from: try #require(IPAddress("2001:db8:0:1::1")), now: 1)
    #expect(!same && other)
  }

  @Test("a device has four POSTs and one large body under way at once, whatever others have")
  func devicePosts() {
    var posts = DevicePosts()
    let (one, two) = (UUID128(high: 1, low: 1), UUID128(high: 2, low: 2))
    let begun = (0..<5).map { _ in posts.begin(one) }
    #expect(begun == [true, true, true, true, false])
    let other = posts.begin(two)
    #expect(other)
    posts.end(one)
    let again = [posts.begin(one), posts.begin(one)]
    #expect(again == [true, false])
    let large = [posts.beginLarge(one), posts.beginLarge(one), posts.beginLarge(two)]
    #expect(large == [true, false, true])
    posts.endLarge(one)
    let after = posts.beginLarge(one)
    #expect(after)
  }
}
