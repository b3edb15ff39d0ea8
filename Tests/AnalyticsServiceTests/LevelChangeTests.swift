import Foundation
import Primitives
import Testing

@testable import AnalyticsService

/// Days of a part of a project, of which the last ones are at another level.
enum LevelDays {
    /// So many up to yesterday, oldest first; on the last `worse` of them a quarter of the results fails and tests take twice as long.
    static func made(_ count: Int = 60, worse: Int, until now: Date) -> [Day] {
        (1...count).reversed().map { ago in
            let isWorse = ago <= worse
            var durations = DurationHistogram()
            for _ in 0..<20 { durations.record(isWorse ? 2_000 : 1_000) }
            return Day(
                day: Self.name(ago, before: now), tally: AnalyticsService.Tally(passed: isWorse ? 75 : 100, failed: isWorse ? 25 : 0),
                durations: durations)
        }
    }

    static func name(_ ago: Int, before now: Date) -> String { (now - Double(ago) * 86_400).day }
}

@Suite("changes of level that are kept")
struct LevelChangeTests {
    private let project = ID<AnalyticsService.Project>.new()
    private let now = Date(timeIntervalSince1970: 1_790_000_000)

    private func found(_ day: String, _ before: Double = 0.98, _ after: Double = 0.9, _ figure: TrendChange.Figure = .passRate) -> TrendChange {
        TrendChange(
            figure: figure, day: day, daysBefore: day...day, daysAfter: day...day, before: before, after: after, nearBefore: day...day,
            nearAfter: day...day)
    }

    private func kept(_ change: TrendChange, gone: Bool = false) -> LevelChange {
        var made = LevelChange(LevelFinding(change), of: .whole, in: project, receipt: LevelReceipt(edition: 1, inputHash: 7, lookedAt: now))
        if gone { made.goneAt = now }
        return made
    }

    // MARK: - Editions

    @Test("an edition keeps its numbers for good: changes were found by them")
    func editions() {
        let first = ChangeEdition(
            number: 1, pointLimit: 4096, searchLimit: 1024, shortestLevel: 5, error: 0.01, leastRatio: 1.1, durationPenalty: 3, ratePenalty: 2)
        #expect(ChangeEdition.numbered(1) == first && ChangeEdition.numbered(0) == nil && ChangeEdition.numbered(99) == nil)
        let numbers = ChangeEdition.released.map(\.number)
        #expect(numbers == Set(numbers).sorted() && numbers.last == ChangePoints.edition && ChangeEdition.current.number == ChangePoints.edition)
    }

    @Test("every number of an edition is one that what is found hangs on")
    func numbers() {
        let series = TrendSeries(LevelDays.made(worse: 14, until: now))
        #expect(series.changes().map(\.figure).count == 2)
        func figures(_ edition: ChangeEdition) -> Set<TrendChange.Figure> { Set(series.changes(by: edition).map(\.figure)) }
        #expect(figures(ChangeEdition(number: 9, pointLimit: 9)).isEmpty)
        #expect(figures(ChangeEdition(number: 9, shortestLevel: 31)).isEmpty)
        #expect(figures(ChangeEdition(number: 9, error: 1e-300)).isEmpty)
        #expect(figures(ChangeEdition(number: 9, leastRatio: 3)) == [.passRate])
        #expect(figures(ChangeEdition(number: 9, durationPenalty: 1e9)) == [.passRate])
        #expect(figures(ChangeEdition(number: 9, ratePenalty: 1e9)) == [.duration])
    }

    // MARK: - The text of a series

    @Test("the text of a series gives the same series, with the same hash and the same changes of every figure")
    func roundTrip() throws {
        var days = LevelDays.made(worse: 14, until: now)
        // Of one nothing was judged, of another no duration is known, of a third neither.
        days[3].tally = AnalyticsService.Tally()
        days[5].durations = DurationHistogram()
        days[7].tally = AnalyticsService.Tally(skipped: 3)
        days[7].durations = DurationHistogram()
        let series = TrendSeries(days)
        #expect(series.points.count == 59 && series.points[3].counts == nil && series.points[5].median == nil)
        #expect(series.text.hasPrefix("\(days[0].day) 100/100 1000\n"))
        let again = try #require(TrendSeries(text: series.text))
        #expect(again == series && again.text == series.text && again.inputHash == TrendChange.inputHash(of: days))
        #expect(again.changes() == TrendChange.all(in: days) && Set(again.changes().map(\.figure)) == Set(TrendChange.Figure.allCases))
        #expect(TrendSeries(text: "") == TrendSeries([]))
    }

    @Test(
        "what is no text of a series is none",
        arguments: [
            "2026-03-01 1/2", "2026-03-01 1/2 3 4", "x 1/2 3", "2026-03-01 1-2 3", "2026-03-01 1/2/3 4", "2026-03-01 1/2 x",
            "2026-03-02 1/2 3\n2026-03-01 1/2 3", "2026-03-01 1/2 3\n2026-03-01 1/2 3",
        ])
    func malformed(text: String) { #expect(TrendSeries(text: text) == nil) }

    // MARK: - Old and new

    @Test(
        "a change that is found again is the one of its figure and direction that is kept, five days away at most",
        arguments: [
            ("2026-03-10", 0.98, 0.9, TrendChange.Figure.passRate, true), ("2026-03-15", 0.97, 0.8, .passRate, true),
            ("2026-03-05", 0.98, 0.9, .passRate, true), ("2026-03-16", 0.98, 0.9, .passRate, false), ("2026-03-04", 0.98, 0.9, .passRate, false),
            ("2026-03-10", 0.9, 0.98, .passRate, false), ("2026-03-10", 9_000.0, 7_000.0, .duration, false),
        ])
    func alike(day: String, before: Double, after: Double, figure: TrendChange.Figure, isSame: Bool) {
        let known = kept(found("2026-03-10"))
        let matching = LevelMatching(found: [found(day, before, after, figure)], known: [known])
        #expect(matching.kept == (isSame ? [known] : [nil]) && matching.missing == (isSame ? [] : [known]))
    }

    @Test("of several the nearest is the same, of two as near the one that stands; each is one only")
    func nearest() {
        let (early, late, gone) = (kept(found("2026-03-10")), kept(found("2026-03-14")), kept(found("2026-03-14"), gone: true))
        func match(_ days: [String], _ known: [LevelChange]) -> LevelMatching { LevelMatching(found: days.map { found($0) }, known: known) }
        for known in [[early, late, gone], [gone, late, early]] {
            #expect(match(["2026-03-13"], known).kept == [late])
            #expect(match(["2026-03-11"], known).kept == [early])
            #expect(match(["2026-03-10", "2026-03-15"], known).kept == [early, late])
            #expect(Set(match(["2026-03-15"], known).missing.map(\.id)) == Set([early.id, gone.id]))
        }
        #expect(match(["2026-03-12", "2026-03-17"], [late]).kept == [late, nil])
        #expect(match(["2026-03-12"], []).kept == [nil] && match([], [late]).missing == [late])
    }

    @Test("what is found is kept once, renewed under its id when the days are others, gone when it is not found and back when it is")
    func upkeep() {
        func look(worse: Int, daysLater: Int = 0) -> LevelLook {
            let at = now + Double(daysLater) * 86_400
            return LevelLook(.whole, days: LevelDays.made(worse: worse, until: at), at: at)
        }
        func keep(_ look: LevelLook, _ known: [LevelChange]) -> LevelUpkeep { LevelUpkeep(look, known: known, of: project) }
        let first = keep(look(worse: 14), [])
        #expect(first.added.map(\.day) == [LevelDays.name(14, before: now), LevelDays.name(14, before: now)])
        #expect(first.renewed.isEmpty && first.gone.isEmpty && first.added.allSatisfy { $0.verdict.version == 1 && $0.foundAt == now })
        let same = keep(look(worse: 14), first.added)
        #expect(same.added.isEmpty && same.renewed.isEmpty && same.gone.isEmpty)

        let next = keep(look(worse: 15, daysLater: 1), first.added)
        #expect(next.added.isEmpty && next.renewed.map(\.id) == first.added.map(\.id) && next.renewed.map(\.day) == first.added.map(\.day))
        let receipt = first.added[0].receipt
        #expect(next.renewed.allSatisfy { $0.receipt.inputHash != receipt.inputHash && $0.receipt.lookedAt > now && $0.foundAt == now })

        let flat = keep(look(worse: 0), first.added)
        #expect(flat.added.isEmpty && flat.renewed.isEmpty && flat.gone == first.added)
        let gone = first.added.map { change in
            var change = change
            change.goneAt = now
            return change
        }
        #expect(keep(look(worse: 0), gone).gone.isEmpty)
        #expect(keep(look(worse: 14), gone).renewed == first.added)
    }

    @Test("a change of long ago keeps standing when the days that it was held against leave those that are looked at")
    func settled() {
        let known = LevelUpkeep(LevelLook(.whole, days: LevelDays.made(worse: 14, until: now), at: now), known: [], of: project).added
        for (daysLater, isSettled) in [(31, false), (32, true)] {
            let at = now + Double(daysLater) * 86_400
            let look = LevelLook(.whole, days: LevelDays.made(worse: 0, until: at), at: at)
            #expect(LevelUpkeep(look, known: known, of: project).gone == (isSettled ? [] : known), "\(daysLater)")
        }
    }

    @Test("days that are not over are not looked at")
    func complete() {
        var today = LevelDays.made(worse: 14, until: now)
        let yesterday = LevelLook(.whole, days: today, at: now)
        today.append(Day(day: now.day, tally: AnalyticsService.Tally(failed: 100)))
        #expect(LevelLook(.whole, days: today, at: now).series == yesterday.series && yesterday.found.count == 2)
    }

    // MARK: - Replay

    @Test("a change is found again in its days by its own edition, of every figure; in altered days, or with an altered level, it is not the same")
    func replay() throws {
        let look = LevelLook(.whole, days: LevelDays.made(worse: 14, until: now), at: now)
        let (changes, input) = (LevelUpkeep(look, known: [], of: project).added, look.series.text)
        #expect(Set(changes.map(\.figure)) == Set(TrendChange.Figure.allCases))
        let strict = ChangeEdition(number: 99, error: 1e-300)
        for change in changes {
            let replay = try LevelReplay(change, input: input)
            #expect(replay.agrees && replay.again?.day == change.day && replay.inputHash == change.receipt.inputHash)
            let altered = try LevelReplay(change, input: input.replacing(" 100/100 ", with: " 99/100 ", maxReplacements: 1))
            #expect(!altered.agrees && altered.inputHash != change.receipt.inputHash)
            var moved = change
            moved.after *= 1.01
            #expect(try !LevelReplay(moved, input: input).agrees)

            var other = change
            other.receipt = LevelReceipt(edition: 99, inputHash: change.receipt.inputHash, lookedAt: now)
            let unfound = try LevelReplay(other, input: input, among: ChangeEdition.released + [strict])
            #expect(!unfound.agrees && unfound.again == nil)
            for (kept, text) in [(other, input), (change, "no such text")] {
                let fault = #expect(throws: Fault.self) { try LevelReplay(kept, input: text) }
                #expect(fault?.code == "level_change.not_replayable" && fault?.kind == .precondition)
            }
        }
    }
}
