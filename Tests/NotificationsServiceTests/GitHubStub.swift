import Foundation
import Synchronization
import TestSupport

/// As much of GitHub's API as check runs need, with the limits that it documents: what breaks one is answered with 422, as GitHub does.
final class GitHubStub: Sendable {
    static let token = "ghs_test"

    struct Made: Sendable {
        let id: Int
        let name: String
        let externalID: String
        let head: String
        var status: String
        var conclusion: String
        var titles: [String] = []
        var annotations = 0
    }

    private struct State {
        var made: [Made] = []
        var problems: [String] = []
        var requests = 0
        /// Statuses of the next answers, each once; the request is carried out all the same where it says so.
        var failing: [(status: Int, isCarriedOut: Bool)] = []
    }

    private let state = Mutex(State())

    var made: [Made] { state.withLock { $0.made } }
    var problems: [String] { state.withLock { $0.problems } }
    var requests: Int { state.withLock { $0.requests } }

    /// The `number`th request from now on, counted from 0, is answered with `status`.
    func fail(request number: Int, status: Int, isCarriedOut: Bool) {
        state.withLock { $0.failing = Array(repeating: (0, true), count: number) + [(status, isCarriedOut)] }
    }

    func start() async throws -> LoopbackServer {
        try await LoopbackServer.start { request in self.answer(request) }
    }

    private func answer(_ request: LoopbackServer.Request) -> LoopbackServer.Response {
        state.withLock { state in
            state.requests += 1
            let failure = state.failing.isEmpty ? (status: 0, isCarriedOut: true) : state.failing.removeFirst()
            let answer = failure.isCarriedOut ? Self.carryOut(request, &state) : .json("{}")
            if failure.status != 0 { return .json(#"{"message":"trouble"}"#, status: failure.status) }
            if answer.status == 422 { state.problems.append(String(decoding: answer.body, as: UTF8.self)) }
            return answer
        }
    }

    private static func carryOut(_ request: LoopbackServer.Request, _ state: inout State) -> LoopbackServer.Response {
        guard request.header("authorization") == "Bearer \(token)" else { return .json(#"{"message":"Bad credentials"}"#, status: 401) }
        let path = request.target.split(separator: "?")[0]
        guard path.hasPrefix("/repos/acme/web") else { return .json(#"{"message":"Not Found"}"#, status: 404) }
        let parts = path.dropFirst("/repos/acme/web".count).split(separator: "/").map(String.init)
        if request.method == "GET", parts.isEmpty { return .json(#"{"full_name":"acme/web"}"#) }
        if request.method == "GET", parts.count == 3, parts[0] == "commits" {
            let found = state.made.filter { $0.head == parts[1] }.map(json).joined(separator: ",")
            return .json("{\"check_runs\":[\(found)]}")
        }
        if request.method == "GET", parts.count == 2, let run = state.made.first(where: { "\($0.id)" == parts[1] }) { return .json(json(run)) }
        guard let body = try? JSONSerialization.jsonObject(with: request.body) as? [String: Any] else { return .json("{}", status: 400) }
        if let problem = problem(of: body, isCreation: request.method == "POST") { return .json("{\"message\":\"\(problem)\"}", status: 422) }
        let output = body["output"] as? [String: Any] ?? [:]
        let annotations = (output["annotations"] as? [Any])?.count ?? 0
        let place: Int
        if request.method == "POST", parts == ["check-runs"] {
            state.made.append(
                Made(
                    id: 4_000_000_000 + state.made.count, name: body["name"] as? String ?? "", externalID: body["external_id"] as? String ?? "",
                    head: body["head_sha"] as? String ?? "", status: "", conclusion: ""))
            place = state.made.count - 1
        } else if request.method == "PATCH", let found = state.made.firstIndex(where: { ["check-runs", "\($0.id)"] == parts }) {
            place = found
        } else {
            return .json(#"{"message":"Not Found"}"#, status: 404)
        }
        state.made[place].status = body["status"] as? String ?? ""
        state.made[place].conclusion = body["conclusion"] as? String ?? ""
        state.made[place].annotations += annotations
        state.made[place].titles.append(output["title"] as? String ?? "")
        return .json(json(state.made[place]), status: request.method == "POST" ? 201 : 200)
    }

    private static func json(_ run: Made) -> String {
        #"{"id":\#(run.id),"external_id":"\#(run.externalID)","status":"\#(run.status)","output":{"annotations_count":\#(run.annotations)}}"#
    }

    /// https://docs.github.com/rest/checks/runs
    private static func problem(of body: [String: Any], isCreation: Bool) -> String? {
        if isCreation, (body["name"] as? String ?? "").isEmpty || (body["head_sha"] as? String)?.count != 40 { return "name and head_sha are needed" }
        guard let status = body["status"] as? String, ["queued", "in_progress", "completed"].contains(status) else { return "status" }
        let conclusions = ["success", "failure", "neutral", "cancelled", "timed_out", "action_required", "skipped"]
        if status == "completed", !conclusions.contains(body["conclusion"] as? String ?? "") { return "conclusion" }
        guard let output = body["output"] as? [String: Any] else { return nil }
        guard let title = output["title"] as? String, title.unicodeScalars.count <= 255, let summary = output["summary"] as? String else {
            return "title"
        }
        if summary.utf8.count > 65_535 || (output["text"] as? String ?? "").utf8.count > 65_535 { return "summary or text is too long" }
        let annotations = output["annotations"] as? [[String: Any]] ?? []
        if annotations.count > 50 { return "no more than 50 annotations" }
        for annotation in annotations {
            guard let path = annotation["path"] as? String, !path.isEmpty, !path.hasPrefix("/"), let start = annotation["start_line"] as? Int,
                start > 0,
                let end = annotation["end_line"] as? Int, end >= start
            else { return "path and lines" }
            guard ["notice", "warning", "failure"].contains(annotation["annotation_level"] as? String ?? "") else { return "annotation_level" }
            guard let message = annotation["message"] as? String, !message.isEmpty, message.utf8.count <= 64 << 10 else { return "message" }
            if (annotation["title"] as? String ?? "").unicodeScalars.count > 255 { return "annotation title" }
            if (annotation["raw_details"] as? String ?? "").utf8.count > 64 << 10 { return "raw_details" }
        }
        return nil
    }
}
