import Testing

@testable import ValidationService

@Suite struct GroupingEditionTests {
    /// Failures as reports of many languages have them: type, message, trace.
    private static let reported: [(type: String, message: String, trace: String)] = [
        (
            "java.net.ConnectException", "Connection refused by db:5432 after 31 ms",
            "\tat java.net.Socket.connect(Socket.java:6)\n\tat a.Db.open(Db.java:9)"
        ),
        ("", "Traceback (most recent call last):\n  File \"/srv/app/cart.py\", line 12, in add\n    raise ValueError(x)\nValueError: bad id 77", ""),
        (
            "TypeError", "TypeError: Cannot read properties of undefined (reading 'id')",
            "    at run (/srv/app/src/cart.js:10:5)\n    at node:internal/x:1:2"
        ),
        ("System.TimeoutException", "The operation has timed out.", "   at Shop.Cart.Add(Int32 id) in C:\\src\\Cart.cs:line 42"),
        ("", "panic: runtime error: index out of range [5] with length 3", "goroutine 7 [running]:\nmain.add(0x1)\n\t/srv/app/main.go:33 +0x1d"),
        ("RuntimeError", "no route to 10.0.0.7:8080", "from /srv/app/lib/cart.rb:12:in `add'\nfrom /usr/lib/ruby/gems/2.7/x.rb:1:in `y'"),
        ("", "thread 'main' panicked at 'index out of bounds: the len is 3', src/main.rs:4:5", ""),
        ("AssertionError", "expected 3 to equal 4", ""), ("", "failed", ""), ("", "", "E   assert 3 == 4\nE   +  where 3 = f()"),
        ("", "Timeout of 5000ms exceeded. For async tests and hooks, ensure \"done()\" is called", ""),
        ("HTTPError", "503 Server Error: Service Unavailable for url: https://pay.example/v1/orders/8812?x=1", ""),
        ("", "user alice@example.com of host node-17 has lost 550e8400-e29b-41d4-a716-446655440000 at 2026-03-01T10:00:00Z", ""),
        ("SQLException", "duplicate key value violates unique constraint \"orders_pkey\" Detail: Key (id)=(123) already exists.", ""),
    ]

    /// Whatever this depends on is in it: what is signed, what is made one, under which id, and why, with and without decisions of people.
    private static func outcome(of edition: GroupingEdition) -> String {
        var signer = FailureSigner(edition)
        var lines: [String] = []
        for (number, one) in reported.enumerated() {
            let signature = signer.signature(
                message: one.message, type: one.type, trace: one.trace, code: number % 3 == 0 ? "HTTP503" : "", className: "CartTest",
                test: "adds(\(number))")
            lines.append("\(signature.origin) | \(signature.text) | \(signature.id)")
        }
        for seed in UInt64(0)..<6 {
            let corpus = Corpus(400, seed: seed)
            let decisions = seed < 3 ? [] : GroupingIndexTests.constraints(corpus, seed: seed, count: 6)
            let grouping = Grouping(GroupingIndex(corpus.failures).signatures, constraints: decisions, by: edition)
            for (signature, group) in grouping.groups.sorted(by: { $0.key < $1.key }) { lines.append("\(signature) \(group)") }
            for merge in grouping.merges { lines.append("\(merge.kept) \(merge.joined) \(merge.reason)") }
        }
        return lines.joined(separator: "\n")
    }

    /// What each released edition comes to.
    private static let digests: [Int32: String] = [1: "82471de66c97bfd3"]

    @Test("a released edition does not change: whoever changes scanner, signer or mining adds one", arguments: GroupingEdition.released)
    func edition(edition: GroupingEdition) {
        let digest = Symptoms(message: Self.outcome(of: edition)).hash.prefix(8).map { String($0, radix: 16) }.joined()
        #expect(digest == Self.digests[edition.number], "edition \(edition.number): \(digest)")
    }

    @Test("editions are numbered upwards from 1, each number once, and failures are filed by the last")
    func numbers() {
        let numbers = GroupingEdition.released.map(\.number)
        #expect(numbers == Array(1...Int32(numbers.count)) && GroupingEdition.current.number == numbers.last)
        #expect(GroupingEdition.numbered(0) == nil && Set(numbers) == Set(Self.digests.keys))
    }
}
