import Foundation
import Primitives
import Testing

@testable import AnalyticsService

@Suite("changes of how long a test takes that are kept")
struct TestLookTests {
    private let project = ID<AnalyticsService.Project>.new()
    private let test = ID<AnalyticsService.Test>.new()
    private let begin = Date(timeIntervalSince1970: 1_790_000_000)

    /// A minute apart, oldest first; each takes what `levels` says from its place on.
    private func runs(_ count: Int, _ levels: [Int: Int64]) -> [Execution] {
        var level: Int64 = 10_000
        return (0..<count).map { index in
            level = levels[index] ?? level
            return run(minute: Double(index), level + Int64(index * 37 % 400))
        }
    }

    private func run(minute: Double, _ duration: Int64?) -> Execution {
        Execution(
            result: .new(), run: .new(), outcome: .passed, duration: duration, branch: "main", commit: "c\(Int(minute))",
            executedAt: begin + minute * 60)
    }

    /// - Parameter runs: oldest first.
    private func look(_ runs: [Execution], after: TimeInterval = 86_400, by edition: ChangeEdition = .current) -> TestLook {
        TestLook(test, newest: Array(runs.suffix(TestLook.mostExecutions).reversed()), at: begin + after, by: edition)
    }

    private func keep(_ look: TestLook, _ known: [LevelChange]) -> LevelUpkeep { LevelUpkeep(look, known: known, of: project) }

    @Test("what is found is kept once, and under its id while executions come, until it lies before those that are looked at")
    func moving() throws {
        let all = runs(850, [300: 16_000])
        let first = keep(look(Array(all[..<320])), [])
        let change = try #require(first.added.first)
        #expect(first.added.count == 1 && first.kept == [change] && first.renewed.isEmpty && first.gone.isEmpty)
        #expect(change.start == LevelStart(result: all[300].result, executedAt: all[300].executedAt, commit: "c300"))
        #expect(change.part == TrendPart(test, branch: "") && change.day == all[300].executedAt.day && change.figure == .duration && change.rises)
        #expect((10_000..<10_400).contains(change.before) && (16_000..<16_400).contains(change.after) && change.verdict.version == 1)

        let same = keep(look(Array(all[..<320]), after: 90_000), first.added)
        #expect(same.isEmpty && same.kept == [change])
        let next = keep(look(Array(all[..<321]), after: 90_000), first.added)
        #expect(next.renewed.map(\.id) == [change.id] && next.added.isEmpty && next.gone.isEmpty && next.kept.compactMap(\.self) == next.renewed)
        let renewed = try #require(next.renewed.first)
        #expect(renewed.receipt.inputHash != change.receipt.inputHash && renewed.start == change.start && renewed.foundAt == change.foundAt)

        let far = look(Array(all[..<700]), after: 90_000)
        #expect(far.timed.executions.count == 500 && far.found.map(\.index) == [100])
        #expect(keep(far, first.added).kept.map { $0?.id } == [change.id])
        // It is older than all that is looked at.
        let beyond = keep(look(all, after: 90_000), first.added)
        #expect(beyond.isEmpty && beyond.kept.isEmpty)
    }

    @Test("what comes late moves a change by places and not in time; where it begins with a late one it is the same")
    func late() throws {
        let all = runs(320, [300: 16_000])
        let known = keep(look(all), []).added
        let early = (0..<30).map { run(minute: 10 + Double($0) / 100, 10_100) }
        let moved = look(Array(all[...10] + early + all[11...]))
        #expect(moved.found.map(\.index) == [330])
        let renewed = keep(moved, known).renewed
        #expect(renewed.map(\.id) == known.map(\.id) && renewed.map(\.start) == known.map(\.start))

        let slow = run(minute: 299.5, 16_200)
        let begins = keep(look(Array(all[..<300] + [slow] + all[300...])), known)
        #expect(begins.renewed.map(\.id) == known.map(\.id) && begins.renewed.map { $0.start?.result } == [slow.result] && begins.added.isEmpty)
    }

    @Test("a change of the same direction is the same up to five executions away", arguments: [(95, true), (94, false), (105, true), (106, false)])
    func near(place: Int, isSame: Bool) throws {
        let all = runs(120, [100: 16_000])
        let found = look(all)
        let start = LevelStart(result: all[place].result, executedAt: all[place].executedAt, commit: "")
        func known(_ before: Double, _ after: Double) -> LevelChange {
            LevelChange(
                LevelFinding(figure: .duration, day: begin.day, before: before, after: after, start: start), of: found.part, in: project,
                receipt: LevelReceipt(edition: 1, inputHash: 7, lookedAt: begin))
        }
        let rise = known(10_000, 16_000)
        let upkeep = keep(found, [rise])
        #expect(upkeep.renewed.map(\.id) == (isSame ? [rise.id] : []) && upkeep.added.count == (isSame ? 0 : 1))
        #expect(upkeep.gone == (isSame ? [] : [rise]))
        let fall = known(16_000, 10_000)
        #expect(keep(found, [fall]).gone == [fall] && keep(found, [fall]).added.count == 1)
    }

    @Test("several on one day are several, and stay so")
    func sameDay() {
        let all = runs(120, [40: 16_000, 80: 24_000])
        let first = keep(look(all), [])
        #expect(first.added.map { $0.start?.result } == [all[40].result, all[80].result] && Set(first.added.map(\.day)).count == 1)
        #expect(keep(look(all), first.added).isEmpty && keep(look(all), first.added.reversed()).kept.compactMap(\.self) == first.added)
    }

    @Test("what is not found any more is gone in the newer half of what is looked at, and back when it is found; in the older half it stays")
    func gone() {
        let slower = runs(120, [100: 16_000])
        let known = keep(look(slower), []).added
        let flat = runs(300, [:])
        for (count, isSettled) in [(120, false), (200, false), (201, true), (300, true)] {
            let upkeep = keep(look(Array(flat[..<count])), known)
            #expect(upkeep.gone == (isSettled ? [] : known) && upkeep.added.isEmpty && upkeep.renewed.isEmpty, "\(count)")
        }
        let gone = known.map { change in
            var change = change
            change.goneAt = begin
            return change
        }
        #expect(keep(look(Array(flat[..<120])), gone).isEmpty)
        #expect(keep(look(slower), gone).renewed == known)
    }

    @Test("one of more than four hundred days ago is told and not kept anew; one that is kept stays the same")
    func old() {
        let all = runs(120, [100: 16_000])
        let known = keep(look(all), []).added
        let late = look(all, after: 402 * 86_400)
        #expect(late.found.count == 1 && keep(late, []).isEmpty && keep(late, []).kept == [nil])
        #expect(keep(late, known).kept.compactMap(\.self) == known)
    }

    // MARK: - Text and replay

    @Test("the text of executions gives the same executions, with the same hash and the same changes")
    func roundTrip() throws {
        let series = look(runs(120, [100: 16_000])).timed.series
        let again = try #require(DurationSeries(text: series.text))
        #expect(again == series && again.inputHash == series.inputHash && again.changes() == series.changes() && series.changes().count == 1)
        #expect(DurationSeries(text: "") == DurationSeries([]) && DurationSeries([]).inputHash == 0)
        #expect(series.text.hasPrefix("\(series.points[0].result) 10000\n"))
    }

    @Test(
        "what is no text of executions is none",
        arguments: [
            "res_00000000000000000000000000", "x 1", "res_00000000000000000000000000 x", "res_00000000000000000000000000 1 2", "2026-03-01 1/2 3",
        ])
    func malformed(text: String) { #expect(DurationSeries(text: text) == nil) }

    @Test("a change is found again in its executions by its own edition; in altered ones, or with an altered level, it is not the same")
    func replay() throws {
        let look = look(runs(120, [100: 16_000]))
        let change = try #require(keep(look, []).added.first)
        let replay = try LevelReplay(change, input: look.input)
        #expect(replay.agrees && replay.again?.day == change.day && replay.again?.result == change.start?.result)
        #expect(replay.inputHash == change.receipt.inputHash)

        let altered = try LevelReplay(change, input: look.input.replacing(" 10000\n", with: " 10001\n", maxReplacements: 1))
        #expect(!altered.agrees && altered.inputHash != change.receipt.inputHash && altered.again?.result == change.start?.result)
        let shortened = try LevelReplay(change, input: look.input.split(separator: "\n").dropLast(30).joined(separator: "\n"))
        #expect(!shortened.agrees && shortened.again == nil)
        // The level begins one execution later than the receipt says.
        var earlier = change
        earlier.start = LevelStart(result: look.timed.executions[99].result, executedAt: look.timed.executions[99].executedAt, commit: "")
        let moved = try LevelReplay(earlier, input: look.input)
        #expect(!moved.agrees && moved.again?.result == change.start?.result && moved.again?.day == nil)
        var higher = change
        higher.after *= 1.01
        #expect(try !LevelReplay(higher, input: look.input).agrees)

        var other = change
        other.receipt = LevelReceipt(edition: 99, inputHash: change.receipt.inputHash, lookedAt: begin)
        let strict = ChangeEdition(number: 99, error: 1e-300)
        let unfound = try LevelReplay(other, input: look.input, among: ChangeEdition.released + [strict])
        #expect(!unfound.agrees && unfound.again == nil)
        for (kept, text) in [(other, look.input), (change, "no such text")] {
            let fault = #expect(throws: Fault.self) { try LevelReplay(kept, input: text) }
            #expect(fault?.code == "level_change.not_replayable" && fault?.kind == .precondition)
        }
    }
}
