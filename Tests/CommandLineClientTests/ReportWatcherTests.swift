import Foundation
import Testing

@testable import CommandLineClient

@Suite struct ReportWatcherTests {
    @Test("a file is ready when it has been quiet, and again only when it has changed")
    func quiet() throws {
        var seen = ReportWatcher.Seen()
        let now = Date(timeIntervalSince1970: 1_000)
        let first = ["a": FileStamp(size: 1, changedAt: now)]
        #expect(seen.ready(first, now: now, quiet: 2).isEmpty)
        #expect(seen.ready(first, now: now + 1, quiet: 2).isEmpty)
        #expect(seen.ready(first, now: now + 2, quiet: 2) == ["a"])
        seen.mark("a", try #require(first["a"]))
        #expect(seen.ready(first, now: now + 3, quiet: 2).isEmpty)
        let second = ["a": FileStamp(size: 2, changedAt: now + 4)]
        // Changed since the last look, however old its time says it is.
        #expect(seen.ready(second, now: now + 9, quiet: 2).isEmpty)
        #expect(seen.ready(second, now: now + 10, quiet: 2) == ["a"])
    }
}
