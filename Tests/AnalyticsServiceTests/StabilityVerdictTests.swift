import Foundation
import Primitives
import Testing

@testable import AnalyticsService

@Suite struct StabilityVerdictTests {
    @Test(
        "a history is told by what explains it best",
        arguments: [
            ("P^20", StabilityVerdict.Kind.stable), ("P", .unknown), ("", .unknown),
            // Always failing is broken, however often, and by however many messages.
            ("F^3", .broken), ("F^100", .broken), ("f^100", .broken), ("F|F|F|F|F", .broken),
            // Both outcomes on one commit.
            ("P^40FP^59", .flaky), ("PPFPPFFPFPPP", .flaky), ("P^10|PPFP|PPP|PFPP|P^10", .flaky), ("P^10|PPF|P^10", .flaky),
            ("FP^50FP^40", .flaky), ("F^20PF^30PPF^9PF^10", .flaky),
            // A retry that passed.
            ("P^500Fr|P^500", .flaky), ("P|P|Fr|P|P", .flaky),
            // From a commit on it always fails.
            ("P^10|P^10|F", .regressed), ("P|P|P|P|FF", .regressed), ("P^50|F^50", .regressed), ("PPP|PPP|FFF|FFF|FFF", .regressed),
            // Within a commit, when that is no chance any more.
            ("P^50F^50", .regressed), ("P^10|P^5F^5|F^5|F^5", .regressed),
            // Mended, or broken for a while.
            ("FFF|FFF|PPP|P^20", .stable), ("P^10|F^4|P^10", .stable), ("PPPP|FFFF|FFFF|FFFF|PPPP", .stable), ("P^30|PFF|FFF|FFP|P^30", .stable),
            // One failure between two commits, which the next may have mended; two are chance.
            ("P^10|P^10|F|P^10|P^10", .stable), ("P|P|P|P|P|P|P|P|P|P|F|P|P|P|P|P|P|P|P|F|P|P|P|P|P|P|P|P|P", .flaky),
            // Nothing has passed after the failure yet.
            ("P^99F", .unknown),
            // Flaky until it was made reliable, or broke.
            ("PFPFFPFPPFPPFPFP|P^60", .stable), ("PPFPPPFPPPPFPPPFPPPP|F^30", .regressed),
            // Put down to the environment.
            ("P^20EP^5", .environment), ("P^20EP^5|P^20", .stable), ("EEE", .environment), ("P^20EP^5FPPFP", .flaky),
        ] as [(String, StabilityVerdict.Kind)])
    func kinds(history: String, kind: StabilityVerdict.Kind) {
        let verdict = StabilityVerdict([StabilityState(Histories.of(history))])
        #expect(verdict.kind == kind, "\(verdict.confidence) \(verdict.flakyChance) \(verdict.reasons)")
        #expect((0...1).contains(verdict.confidence))
    }

    @Test(
        "where no commits are told, one failure between passes is weak, several are not, and a row of failures is a breakage",
        arguments: [
            ("P^20FP^20", StabilityVerdict.Kind.flaky), ("P^20FP^5FP^20", .flaky), ("P^20F^5P^20", .stable), ("P^20F^20", .regressed),
            ("F^20", .broken),
        ] as [(String, StabilityVerdict.Kind)])
    func untold(history: String, kind: StabilityVerdict.Kind) {
        #expect(StabilityVerdict([StabilityState(Histories.of(history, commits: false))]).kind == kind)
    }

    @Test("a test that always fails is not flaky with any number of runs, commits and messages")
    func alwaysFailing() {
        for runs in 1...200 {
            for text in ["F^\(runs)", "f^\(runs)", [String](repeating: "f", count: runs).joined(separator: "|")] {
                #expect(StabilityVerdict([StabilityState(Histories.of(text))]).kind != .flaky)
            }
        }
    }

    @Test("the same state gives the same verdict, also after it was stored")
    func replay() throws {
        var random = SplitMix(seed: 3)
        for _ in 0..<50 {
            let results = Histories.random(
                runs: Int.random(in: 0...300, using: &random), failing: Double.random(in: 0...0.5, using: &random), commitLength: 4, using: &random)
            let verdict = StabilityVerdict([StabilityState(results)])
            let stored = try verdict.basis.map { try #require(StabilityState(bytes: $0.bytes, messages: $0.messages.bytes)) }
            #expect(StabilityVerdict(stored) == verdict)
        }
    }

    @Test("reasons carry the numbers")
    func reasons() {
        let flaky = StabilityVerdict([StabilityState(Histories.of("P^10|PFPP|PPFr|PPPP|PFfP"))])
        #expect(flaky.reasons.contains(.bothOutcomesOnOneCommit(commits: 3)))
        #expect(flaky.reasons.contains(.retryPassed(times: 1)))
        #expect(flaky.reasons.contains(.failedBetweenPasses(times: 3)))
        #expect(flaky.reasons.contains(.alikeMessages(pairs: 2, of: 3)))
        let regressed = StabilityVerdict([StabilityState(Histories.of("P^10|P^10|F^6|F^6"))])
        #expect(regressed.reasons.contains(.failsSince(first: 21 * 3_600_000, commit: 3, results: 12, commits: 2)))
        let turned = StabilityVerdict([StabilityState(Histories.of("PFPFFPFPPFPPFPFP|P^60"))])
        #expect(turned.reasons.contains(.flakyBefore))
    }

    @Test(
        "each of the signals is told where it applies: both outcomes on one commit, a retry that passes, transitions, the failure rate, failing together on a host",
        arguments: [
            ("P^5FP^5", [.bothOutcomesOnOneCommit(commits: 1), .failedBetweenPasses(times: 1)], [.retryPassed(times: 1)]),
            ("P^5|Fr|P^5", [.retryPassed(times: 1), .bothOutcomesOnOneCommit(commits: 1)], [.environmentFailures(count: 1)]),
            ("P^5|F|P^5|F|P^5", [.failedBetweenPasses(times: 2)], [.bothOutcomesOnOneCommit(commits: 1), .retryPassed(times: 1)]),
            ("P^9EP^5", [.environmentFailures(count: 1), .neverFailed(results: 14)], [.failedBetweenPasses(times: 1)]),
        ] as [(String, [StabilityReason], [StabilityReason])])
    func signals(history: String, told: [StabilityReason], silent: [StabilityReason]) {
        let verdict = StabilityVerdict([StabilityState(Histories.of(history))])
        for reason in told { #expect(verdict.reasons.contains(reason), "\(verdict.reasons)") }
        for reason in silent { #expect(!verdict.reasons.contains(reason), "\(verdict.reasons)") }
        // The posterior of the failure rate is told of what fails by chance, and holds the true share of failures.
        let rates = verdict.reasons.compactMap { if case .failureRate(let lower, let upper) = $0 { lower...upper } else { nil } }
        #expect(rates.isEmpty == (verdict.kind != .flaky && verdict.kind != .unknown))
        let results = Histories.of(history).filter { !$0.isEnvironmental }
        let share = Double(results.count { !$0.passed }) / Double(results.count)
        for rate in rates { #expect(rate.contains(share)) }
    }

    @Test("a line of its own shows what another line has shown: a flake on two branches is surer than on one")
    func lines() {
        let quiet = StabilityState(Histories.of("P^30"))
        let once = StabilityState(Histories.of("P^5|F|P^5"))
        let alone = StabilityVerdict([once]).flakyChance
        #expect(StabilityVerdict([once, once]).flakyChance > alone)
        // What fails on a branch under work says nothing against the main line.
        let work = StabilityState(Histories.of("PPP|FFFF"))
        #expect(StabilityVerdict([quiet, work]).kind == .stable)
    }

    @Test("after thousands of passes a test that begins to flake is noticed, and one that stopped is let go")
    func turning() {
        #expect(StabilityVerdict([StabilityState(Histories.of("P^5000|PFPFPPFPFP"))]).kind == .flaky)
        var text = "PPFPFPPPFPFP"
        for _ in 0..<40 { text += "|P^10" }
        #expect(StabilityVerdict([StabilityState(Histories.of(text))]).kind == .stable)
    }
}
