import ExecutionAPI
import Foundation
import SwiftProtobuf
import Synchronization
import TestSupport
import Testing
import ValidationAPI

@testable import GatewayService

@Suite("The list of a project's regressions", .database(GatewayProgram.schema))
struct RegressionListPageTests {
    private func row(_ failing: Int64, _ body: ((inout PBAssessmentCounts) -> Void)? = nil) -> RegressionsPage.Row {
        var state = PBRegressionState()
        state.run = "run_1"
        state.summary.regressed = failing
        state.summary.stillFailing = 2
        if let body { body(&state.summary.assessed) }
        return RegressionsPage.Row(state, now: Date())
    }

    @Test("a branch has regressed by what is a regression, uncertain or not looked at; flakes, the environment and what was overruled are told apart")
    func rows() {
        let unknown = row(1)
        #expect(unknown.badge.label == "Regressed" && unknown.regressed == "1 regression" && unknown.doubts == "not assessed yet")
        #expect(unknown.excused == nil && unknown.known == "2 still failing")
        let clean = row(0)
        #expect(clean.badge.label == "Holds" && clean.regressed == "0 regressions" && clean.doubts == nil && clean.excused == nil)
        for (excused, words) in [
            (row(1) { $0.flake = 1 }, "1 flake"), (row(6) { $0.environment = 6 }, "6 of the environment"),
            (row(1) { $0.noRegression = 1 }, "1 overruled"),
        ] {
            #expect(excused.badge.label == "Holds" && excused.regressed == "0 regressions")
            #expect(excused.doubts == nil && excused.excused == words)
        }
        let uncertain = row(1) { $0.uncertain = 1 }
        #expect(uncertain.badge.label == "Regressed" && uncertain.regressed == "1 regression" && uncertain.doubts == "1 of them uncertain")
        let many = row(1_010) {
            $0.regression = 995
            $0.flake = 2
            $0.environment = 3
            $0.unassessed = 10
        }
        #expect(many.badge.label == "Regressed" && many.regressed == "1,005 regressions" && many.doubts == "10 of them not assessed")
        #expect(many.excused == "2 flakes, 3 of the environment")
    }

    @Test("where no run has finished since there is nothing to tell")
    func pending() {
        let row = RegressionsPage.Row(PBRegressionState(), now: Date())
        #expect(row.badge == .pending && row.regressed == nil && row.doubts == nil && row.excused == nil)
    }

    @Test("the page and the table say that a failure is a flake, and of one that is not assessed yet only that it fails")
    func list() async throws {
        try await GatewayStand.with(pages: PageGallery().site.routes) { stand in
            let browser = PageBrowser(stand)
            _ = try await browser.signIn()
            stand.fake.baselines.state.withLock { state in
                state.baselines = [
                    .with {
                        $0.id = "bsl_1"
                        $0.number = 1
                        $0.state = .approved
                        $0.inForce = true
                    }
                ]
            }
            func export() async throws -> [String: String] {
                let table = try await browser.get("/api/v1/projects/web/regressions?export=csv")
                #expect(table.status == 200, "\(table.body)")
                // As it is sent, in chunks, of which each is announced by its length on a line without a comma.
                let lines = table.body.components(separatedBy: "\r\n").filter { $0.contains(",") }
                let cells = lines.map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
                try #require(cells.count == 2 && cells[0].count == cells[1].count, "\(table.body)")
                return Dictionary(zip(cells[0], cells[1])) { first, _ in first }
            }
            let path = "/projects/web/regressions"
            let unknown = try await browser.get(path)
            #expect(unknown.body.contains("Regressed</span>") && unknown.body.contains("not assessed yet"))
            let first = try await export()
            #expect(first["summary.regressed"] == "1" && first["summary.assessed.flake"] == "")

            stand.fake.baselines.state.withLock { $0.assessed = .with { $0.flake = 1 } }
            let assessed = try await browser.get(path)
            #expect(assessed.body.contains("Holds</span>") && !assessed.body.contains("Regressed</span>"))
            #expect(assessed.body.contains("besides 1 flake") && !assessed.body.contains("not assessed yet"))
            let second = try await export()
            #expect(second["summary.assessed.flake"] == "1" && second["summary.assessed.regression"] == "0")
            let answer = try await stand.api.get(path)
            #expect(answer["data.0.summary.assessed.flake"] as? Int == 1, "\(answer.text)")
        }
    }
}
