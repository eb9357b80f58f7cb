import Cryptography
import Testing

@testable import Fleet

@Suite("A session's row")
struct SessionRowTests {
  private func post(_ number: UInt8) -> [UInt8] { [UInt8](repeating: 9, count: 23) + [number] }

  @Test("knows the last sixteen POSTs that brought an answer without ID, each once")
  func unnamedAnswers() {
    var session = SessionRow(
      id: .zero, namespaceMinor: 0, events: [], authentication: 0, lastPostAt: 0, lostAfter: 30)
    #expect(!session.hasAnswered([]) && !session.hasAnswered(post(0)))
    for number in [UInt8(0), 1, 1, 2] { session.noteUnnamedAnswer(post(number)) }
    #expect(session.unnamedAnswers.count == 3 * 24)
    #expect(session.hasAnswered(post(0)) && session.hasAnswered(post(2)) && !session.hasAnswered(post(3)))
    for number in UInt8(3)..<18 { session.noteUnnamedAnswer(post(number)) }
    #expect(session.unnamedAnswers.count == 16 * 24)
    #expect(!session.hasAnswered(post(1)) && session.hasAnswered(post(2)) && session.hasAnswered(post(17)))
  }
}
