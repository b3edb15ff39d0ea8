import Foundation
import Primitives
import Testing

@testable import ExecutionService

@Suite("test identity")
struct TestIdentityTests {
    @Test(
        "addresses of objects are no part of a test's identity, and constants are",
        arguments: [
            ("takes[<Order object at 0x7f3a5c0012d0>]", "takes[<Order object at *>]"),
            ("prints com.acme.Order@1b6d3586", "prints com.acme.Order@*"),
            ("0x600003a5c000", "*"),
            ("paints 0xff00ff and 0xdeadbeef", "paints 0xff00ff and 0xdeadbeef"),
            ("0x7f3a5c0012d0zz stays", "0x7f3a5c0012d0zz stays"),
            ("mails somebody@facade.org", "mails somebody@facade.org"),
            ("mails a@decade", "mails a@decade"),
            ("mails a@1b6d3586.org", "mails a@1b6d3586.org"),
            ("@Tag1234567 at the start", "@Tag1234567 at the start"),
            ("ends with 0x", "ends with 0x"),
            ("ä@1b6d3586é", "ä@1b6d3586é"),
            ("", ""),
        ])
    func addresses(text: String, masked: String) {
        #expect(VolatileText.withoutAddresses(text) == masked)
    }

    @Test(
        "a rule leaves out what it says and nothing else",
        arguments: [
            (IdentityRule(kind: .uuid), "job f47ac10b-58cc-4372-a567-0e02b2c3d479 ends", "job * ends"),
            (IdentityRule(kind: .uuid), "f47ac10b-58cc-4372-a567-0e02b2c3d479a", "f47ac10b-58cc-4372-a567-0e02b2c3d479a"),
            (IdentityRule(kind: .uuid), "f47ac10b-58cc-4372-a567-0e02b2c3d47", "f47ac10b-58cc-4372-a567-0e02b2c3d47"),
            (IdentityRule(kind: .timestamp), "at 2026-03-01T12:30:00.123Z.", "at *."),
            (IdentityRule(kind: .timestamp), "at 2026-03-01 12:30+01:00", "at *"),
            (IdentityRule(kind: .timestamp), "on 2026-03-01", "on 2026-03-01"),
            (IdentityRule(kind: .number), "port 8080 of host2", "port * of host*"),
            (IdentityRule(kind: .hex), "0xff00ff and cafe1234ab, deadbeef, 12345678", "* and *, deadbeef, 12345678"),
            (IdentityRule(kind: .parameters), "adds[chrome-1920]", "adds[*]"),
            (IdentityRule(kind: .parameters), "adds[a[1]-b]", "adds[*]"),
            (IdentityRule(kind: .parameters), "adds(int, int)[2]", "adds(int, int)[*]"),
            (IdentityRule(kind: .parameters), "adds()", "adds()"),
            (IdentityRule(kind: .parameters), "adds[1] twice", "adds[1] twice"),
            (IdentityRule(kind: .parameter, parameter: "seed"), "runs[size=3,seed=4711,x=1]", "runs[size=3,seed=*,x=1]"),
            (IdentityRule(kind: .parameter, parameter: "seed"), "runs[reseed=4711] seed", "runs[reseed=4711] seed"),
        ])
    func rules(rule: IdentityRule, text: String, masked: String) {
        #expect(rule.apply(to: text) == masked)
    }

    @Test("a rule concerns the part and the classes that it names")
    func scope() {
        let rules = [
            IdentityRule(kind: .number, className: "com.acme.*"), IdentityRule(kind: .uuid, part: .suiteName),
        ]
        let uuid = "f47ac10b-58cc-4372-a567-0e02b2c3d479"
        let acme = rules.texts(suite: "run \(uuid)", className: "com.acme.Cart2", name: "adds 3")
        #expect(acme == ("run *", "com.acme.Cart2", "adds *"))
        #expect(rules.texts(suite: "", className: "org.other.Cart2", name: "adds 3 \(uuid)") == ("", "org.other.Cart2", "adds 3 \(uuid)"))
    }

    @Test("with a rule the runs of a test with a random parameter are one test; without, they are several")
    func identity() {
        let project = ID<Project>.new()
        func ids(_ rules: [IdentityRule]) -> Set<ID<TestIdentity>> {
            var identities = TestIdentities(project: project, rules: rules)
            return Set((0..<10).map { identities.id(suite: "s", className: "c", name: "runs[seed=\($0)]") })
        }
        #expect(ids([]).count == 10)
        #expect(ids([IdentityRule(kind: .parameter, parameter: "seed")]).count == 1)
    }

    @Test(
        "a star stands for any text",
        arguments: [
            ("*", "", true), ("a*c", "abbc", true), ("a*c", "abb", false), ("*b*b*", "abab", true), ("", "a", false),
            ("com.*.Test", "com.a.b.Test", true),
        ])
    func wildcard(pattern: String, text: String, matches: Bool) {
        #expect(Wildcard.matches(pattern, text) == matches)
    }

    @Test("a pattern of many stars takes no time to speak of")
    func manyStars() {
        let clock = ContinuousClock()
        let time = clock.measure { #expect(!Wildcard.matches(String(repeating: "a*", count: 200) + "b", String(repeating: "a", count: 4000))) }
        #expect(time < .seconds(2))
    }

    @Test("tests that were renamed or moved are paired with what they were, others are not")
    func renames() {
        func test(_ suite: String, _ className: String, _ name: String) -> TestDifference {
            TestDifference(kind: .removed, test: .new(), suiteName: suite, className: className, name: name, base: nil, run: nil)
        }
        let gone = [
            test("checkout", "CartTests", "a voucher lowers the total"), test("checkout", "CartTests", "an empty cart costs nothing"),
            test("users", "LoginTests", "a wrong password is refused"),
        ]
        let new = [
            test("users", "SignInTests", "a wrong password is refused"), test("checkout", "CartTests", "a voucher reduces the total"),
            test("search", "IndexTests", "finds umlauts"),
        ]
        let pairs = RenameSuggestions.pairs(removed: gone, added: new)
        #expect(
            pairs.map { [$0.test.name, $0.alias.className + " " + $0.alias.name] } == [
                [gone[2].name, "SignInTests a wrong password is refused"], [gone[0].name, "CartTests a voucher reduces the total"],
            ])
        #expect(pairs.allSatisfy { $0.similarity >= RenameSuggestions.threshold && $0.similarity < 1 })
        #expect(RenameSuggestions.pairs(removed: [], added: new).isEmpty)
    }

    @Test("the coefficient is that of its definition")
    func dice() {
        // "night" and "nacht" share one of four pairs each: 2 * 1 / 8.
        #expect(RenameSuggestions.similarity("night", "nacht") == 0.25)
        #expect(RenameSuggestions.similarity("Same", "same") == 1)
        #expect(RenameSuggestions.similarity("", "") == 1 && RenameSuggestions.similarity("a", "") == 0)
    }
}
