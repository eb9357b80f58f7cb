import Glibc
import Operations
import Testing

@Suite("Logs: JSON lines through one bounded writer")
struct LoggerTests {
  /// What is written while `body` runs, through a pipe.
  private func lines(
    level: LogLevel = .info, capacity: Int = 1 << 16, _ body: (Logger) -> Void
  ) -> [String] {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { return [] }
    let writer = LogWriter(descriptor: ends[1], capacity: capacity)
    body(Logger(level: level, writer: writer, now: { 1_795_418_285_123 }))
    writer.close()
    close(ends[1])
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    let count = read(ends[0], &bytes, bytes.count)
    close(ends[0])
    return String(decoding: bytes[..<max(0, count)], as: UTF8.self).split(separator: "\n").map(String.init)
  }

  @Test("A line is one JSON object with time, level, context, message and its keys")
  func line() {
    let written = lines { logger in
      logger.component("gateway").info("session ended") { line in
        line.add(.session, "s1")
        line.add(.milliseconds, 12)
        line.add(LogKey("trivial"), true)
      }
    }
    #expect(
      written == [
        "{\"time\":\"2026-11-23T07:18:05.123Z\",\"level\":\"info\",\"component\":\"gateway\","
          + "\"message\":\"session ended\",\"session\":\"s1\",\"ms\":12,\"trivial\":true}"
      ])
  }

  @Test("A part's component stands in the place of its process's, so that no key comes twice")
  func component() {
    let written = lines { logger in
      logger.component("all").adding(LogKey("shard"), "2").component("worker").info("started")
    }
    #expect(written.first?.hasSuffix(#""component":"worker","shard":"2","message":"started"}"#) == true)
  }

  @Test("What a device sends cannot break out of its text, nor fill the log")
  func escaping() {
    let written = lines { logger in
      logger.warning("refused") { $0.add(.reason, "a\"b\\c\nd\u{1}é") }
      logger.warning("refused") { $0.add(.reason, String(repeating: "é", count: 5000)) }
    }
    #expect(written.count == 2)
    #expect(written[0].hasSuffix("\"reason\":\"a\\\"b\\\\c\\nd\\u0001é\"}"))
    #expect(written[1].utf8.count < LogLine.textLimit + 200)
    #expect(written[1].hasSuffix("é…\"}"))
  }

  @Test("Below its level a line is not even made")
  func levels() {
    var made = 0
    let written = lines(level: .warning) { logger in
      logger.info("quiet") { _ in made += 1 }
      logger.error("loud") { _ in made += 1 }
    }
    #expect(made == 1)
    #expect(written.count == 1)
    #expect(LogLevel(name: "debug") == .debug)
    #expect(LogLevel(name: "loud") == nil)
  }

  @Test("What does not fit is dropped and counted, and the count is a line")
  func bounded() {
    var dropped = 0
    let written = lines(capacity: 600) { logger in
      // More than the buffer in one line cannot be taken, however fast the writer is.
      logger.info("long") { $0.add(.reason, String(repeating: "x", count: 1000)) }
      logger.info("short")
      dropped += 1
    }
    #expect(written.contains { $0.contains("\"message\":\"short\"") })
    #expect(written.contains { $0.contains("\"message\":\"log lines dropped\",\"count\":1") })
    #expect(!written.contains { $0.contains("\"long\"") })
  }
}

@Suite("Times in UTC")
struct RFC3339Tests {
  @Test(
    "Days, leap days and times before 1970",
    arguments: [
      (0, "1970-01-01T00:00:00.000Z"), (951_782_400_000, "2000-02-29T00:00:00.000Z"),
      (-1, "1969-12-31T23:59:59.999Z"), (4_107_542_399_999, "2100-02-28T23:59:59.999Z"),
      (4_107_542_400_000, "2100-03-01T00:00:00.000Z"), (1_709_210_096_789, "2024-02-29T12:34:56.789Z"),
    ] as [(Int64, String)])
  func text(milliseconds: Int64, expected: String) {
    #expect(RFC3339.text(milliseconds) == expected)
  }
}
