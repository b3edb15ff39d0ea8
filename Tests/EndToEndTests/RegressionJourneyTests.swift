import Foundation
import TestSupport
import Testing

/// From a good run to the commit that broke it.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct RegressionJourneyTests {
    private static func report(_ failing: Set<String>) -> Data {
        let cases = ["total", "voucher"].map { "<testcase classname=\"a.B\" name=\"\($0)\">\(failing.contains($0) ? "<failure/>" : "")</testcase>" }
        return Data("<testsuite name=\"checkout\">\(cases.joined())</testsuite>".utf8)
    }

    @Test("a run is proposed and approved as a baseline; what fails since is told with the commits that may be why")
    func whole() async throws {
        try await Stack.with { stack in
            let journey = Journey(stack)
            let project = try await journey.makeProject()
            func run(_ commit: String, failing: Set<String> = []) async throws -> String {
                try await journey.upload(
                    Self.report(failing), to: project, query: "wait=30&run_env[branch]=main&run_env[commit_sha]=\(commit)"
                ).string("run_id")
            }
            let good = try await run("c1")
            let baselines = "/projects/\(project)/baselines"
            try await eventually(within: .seconds(30)) { try await journey.api.post(baselines, ["run": good, "note": "4.2"]).status == 201 }
            let proposed = try await journey.api.get(baselines)
            let none = try await journey.api.get("/runs/\(good)/regressions")
            #expect(none.status == 404 && none.string("code") == "regressions.no_baseline", "\(none.text)")
            let approved = try await journey.api.post("/baselines/\(proposed.string("data.0.id")):approve", ["note": "looked at"])
            #expect(approved.status == 200 && approved["in_force"] as? Bool == true, "\(approved.text)")

            _ = try await run("c2", failing: ["total"])
            let last = try await run("c3", failing: ["total"])
            // Analytics hears of a run after it has ended.
            try await eventually(within: .seconds(30)) {
                try await journey.api.get("/runs/\(last)/regressions").string("data.0.first_bad.commit_sha") == "c2"
            }
            let found = try await journey.api.get("/runs/\(last)/regressions")
            #expect(found.string("data.0.kind") == "REGRESSED" && found.string("data.0.name") == "total", "\(found.text)")
            #expect(found.string("data.0.last_good.run") == good && found.string("held_against.run") == good, "\(found.text)")
            #expect(found["data.0.suspects"] as? [String] == ["c2"] && found.integer("summary.regressed") == 1, "\(found.text)")
            let states = try await journey.api.get("/projects/\(project)/regressions")
            #expect(states.string("data.0.run") == last && states.integer("data.0.summary.regressed") == 1, "\(states.text)")

            // What a person says holds, and what the run was told stays what is approved afterwards.
            let test = found.string("data.0.test")
            #expect(found["data.0.assessment.reasons"] as? [String] != nil && found.string("data.0.assessment.kind") == "UNCERTAIN", "\(found.text)")
            let verdict = "/runs/\(last)/regressions/\(test)/verdict"
            let unsaid = try await journey.api.get(verdict)
            let said = try await journey.api.send(
                "PUT", verdict, body: Data(#"{"kind": "NO_REGRESSION", "reason": "meant"}"#.utf8),
                headers: ["Content-Type": "application/json", "If-Match": unsaid.headers["etag"] ?? ""])
            #expect(said.status == 200, "\(said.text)")
            let hidden = try await journey.api.get("/runs/\(last)/regressions?assessment=REGRESSION&assessment=UNCERTAIN")
            #expect((hidden["data"] as? [Any])?.count == 0 && hidden.integer("summary.assessed.no_regression") == 1, "\(hidden.text)")
            try await eventually(within: .seconds(30)) {
                try await journey.api.post("/runs/\(last)/regressions:replay", [:])["agrees"] as? Bool == true
            }
            let fixed = try await run("c4")
            try await eventually(within: .seconds(30)) { try await journey.api.post(baselines, ["run": fixed]).status == 201 }
            let second = try await journey.api.get(baselines).string("data.0.id")
            #expect(try await journey.api.post("/baselines/\(second):approve", [:]).status == 200)
            let later = try await journey.api.get("/runs/\(last)/regressions")
            #expect(later.integer("held_against.number") == 1 && later.string("receipt.held_against.run") == good, "\(later.text)")
            let other = try await journey.api.get("/runs/\(last)/regressions?baseline=\(second)")
            #expect(other.integer("held_against.number") == 2, "\(other.text)")
            let withdrawn = try await journey.api.post("/baselines/\(second):withdraw", ["note": "too early"])
            #expect(withdrawn.string("state") == "WITHDRAWN", "\(withdrawn.text)")
            #expect(try await journey.api.get("/projects/\(project)/regressions").integer("data.0.held_against.number") == 1)
        }
    }
}
