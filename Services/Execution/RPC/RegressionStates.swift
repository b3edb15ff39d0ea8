import AnalyticsAPI
import Foundation
import Primitives
import ServiceKit
import SwiftProtobuf

/// How branches stand to their baselines: the newest run of each, what it was told when it was finished, and what people have said of that since.
///
/// What was told is kept, so nothing is asked about the failures themselves. For a whole list there is one look for it, one for people's words where there
/// are any, and of the tests that they spoke of Analytics is asked, all at once, where those passed last.
struct RegressionStates: Sendable {
    let judge: RegressionJudge
    /// Tests with words that a list looks at: as many as one run is told of. Runs beyond that come without what their failures are believed to be.
    var mostSpoken = AssessmentCounts.most

    /// In their order.
    func find(_ held: [HeldAgainst], of project: ID<Project>, tenant: ID<Tenant>) async throws -> [RegressionState] {
        var states: [RegressionState] = []
        for one in held { states.append(try await state(one, tenant: tenant)) }
        let known = try await told(states, tenant: tenant)
        let words = try await words(on: known, of: project, tenant: tenant)
        for (one, words) in zip(known, words) { states[one.index].assessed = words.map { one.told.assessed(with: $0) } }
        return states
    }

    private func state(_ held: HeldAgainst, tenant: ID<Tenant>) async throws -> RegressionState {
        let (base, baseSpan) = try await judge.runs.span(held.run, tenant: tenant)
        guard
            let newest = try await judge.regressions.newest(after: base, branch: held.branch, environment: held.environment, tenant: tenant)
        else { return RegressionState(held: held) }
        let (run, span) = try await judge.runs.span(newest, tenant: tenant)
        return RegressionState(held: held, run: run, counts: try await judge.regressions.counts(span, against: baseSpan, tenant: tenant))
    }

    /// A run of a list that was told.
    private struct Known {
        /// In the list.
        let index: Int
        let run: Run
        let line: RegressionVerdict.Line
        let told: ToldRegressions
    }

    /// Those of which what they were told still is what fails in them: a test that was renamed since may have made it another number.
    private func told(_ states: [RegressionState], tenant: ID<Tenant>) async throws -> [Known] {
        var asked: [(index: Int, run: Run, baseline: ID<Baseline>)] = []
        for (index, state) in states.enumerated() {
            guard let run = state.run else { continue }
            let baseline = try ID<Baseline>(state.held.id)
            asked.append((index, run, baseline))
        }
        let told = try await judge.receipts.told(asked.map { (run: $0.run, baseline: $0.baseline) }, tenant: tenant)
        return zip(asked, told).compactMap { one, told -> Known? in
            guard let told, told.counts.all == states[one.index].counts.all else { return nil }
            let line = RegressionVerdict.Line(
                project: one.run.project, baseline: one.baseline, branch: one.run.branch, environment: one.run.environment)
            return Known(index: one.index, run: one.run, line: line, told: told)
        }
    }

    /// What people say of the tests of each, and that holds in its run; `nil` for a run beyond `mostSpoken`.
    private func words(
        on known: [Known], of project: ID<Project>, tenant: ID<Tenant>
    ) async throws -> [[ID<TestIdentity>: RegressionVerdict]?] {
        let spoken = known.filter { !$0.told.failures.isEmpty }
        guard !spoken.isEmpty else { return known.map { _ in [:] } }
        let said = try await judge.verdicts.find(spoken.map { (line: $0.line, tests: $0.told.failures.map(\.test)) }, tenant: tenant)
        var asked: [(test: ID<TestIdentity>, run: Run)] = []
        var places: [(index: Int, words: [RegressionVerdict])] = []
        var found: [Int: [ID<TestIdentity>: RegressionVerdict]] = [:]
        var isFull = false
        for (one, said) in zip(spoken, said) {
            isFull = isFull || asked.count + said.count > mostSpoken
            guard !isFull else { continue }
            found[one.index] = [:]
            for test in said.keys.sorted() {
                asked.append((test, one.run))
                places.append((one.index, said[test] ?? []))
            }
        }
        let turned = try await judge.turned(asked, of: project)
        for (number, place) in places.enumerated() {
            let (test, run) = asked[number]
            let turn = number < turned.count ? turned[number] : PBTurn()
            found[place.index]?[test] = RegressionVerdict.holding(place.words, in: run, lastPass: turn.hasLastPass ? turn.lastPass.at.date : nil)
        }
        return known.map { one in one.told.failures.isEmpty ? [:] : found[one.index] }
    }
}
