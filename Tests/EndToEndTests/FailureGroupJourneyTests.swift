import Foundation
import TestSupport
import Testing

@Suite("Failure groups of the whole system")
struct FailureGroupJourneyTests {
    @Test("failures of uploads become a group with its first commit, which is resolved and comes again on a later one")
    func journey() async throws {
        try await Stack.with { stack in
            let journey = Journey(stack)
            let project = try await journey.makeProject()
            let list = "/projects/\(project)/failure-groups"
            func upload(_ commit: String, _ hosts: [Int]) async throws {
                let cases = hosts.map { host in
                    """
                    <testcase classname="Orders" name="order \(host)"><failure type="java.net.ConnectException"
                    message="connection to 10.0.0.\(host):5432 refused after \(host * 7) ms">trace</failure></testcase>
                    """
                }
                let report = "<testsuite name=\"s\"><testcase name=\"passes\"/>\(cases.joined())</testsuite>"
                let query = "wait=30&run_env[key]=\(commit)&run_env[branch]=main&run_env[commit_sha]=\(commit)"
                let answer = try await journey.upload(Data(report.utf8), to: project, query: query)
                try #require((200..<300).contains(answer.status), "\(answer.text)")
            }
            func group() async throws -> APIAnswer { try await journey.api.get(list) }

            try await upload("c1", [1, 2, 3])
            try await eventually(within: .seconds(30)) { try await group().integer("data.0.failures") == 3 }
            let first = try await group()
            #expect(first.string("data.0.state") == "NEW" && first.string("data.0.error_type") == "ConnectException", "\(first.text)")
            #expect(first.string("data.0.first_seen.commit_sha") == "c1" && first.string("data.0.first_seen.branch") == "main")
            let path = "\(list)/\(first.string("data.0.id"))"

            let resolved = try await journey.api.post("\(path):resolve", ["branch": "main"])
            #expect(resolved.string("state") == "RESOLVED", "\(resolved.text)")
            try await upload("c2", [4])
            try await eventually(within: .seconds(30)) { try await group().string("data.0.state") == "REGRESSED" }
            let again = try await journey.api.get(path)
            #expect(again.string("regression.commit_sha") == "c2" && again.integer("tests") == 4, "\(again.text)")
            let failures = try await journey.api.get("\(path)/failures?limit=3")
            #expect(failures.string("data.2.group") == again.string("id") && failures["page.has_more"] as? Bool == true, "\(failures.text)")
            let tests = try await journey.api.get("\(path)/tests")
            #expect(tests.string("data.3.class_name") == "Orders", "\(tests.text)")
            let hours = try await journey.api.get("\(path)/occurrences?days=2")
            #expect((hours["data"] as? [Any])?.count ?? 0 >= 24, "\(hours.text)")
            let none = try await journey.api.get("\(path)/merges")
            #expect(none.status == 200 && none["data"] as? [String] == [], "\(none.text)")
        }
    }
}
