import Foundation
import NIOCore

/// A run as the API describes it, as far as the client shows it; only its id and state are known where no more may be.
struct Run: Decodable, Equatable, Sendable {
    struct Counts: Decodable, Equatable, Sendable {
        var total: Int64?
        var passed: Int64?
        var failed: Int64?
        var errored: Int64?
        var skipped: Int64?
        var pending: Int64?
    }

    let id: String
    let state: String
    var kind: String?
    var counts: Counts?
    var incomplete: Bool?
    var name: String?
    var branch: String?
    var commitSha: String?
    var createdAt: String?
    var durationMs: Int64?

    static let states: Set = ["QUEUED", "RUNNING", "PASSED", "FAILED", "ERROR", "CANCELLED", "TIMED_OUT"]

    var isFinished: Bool { Self.isFinal(state) }

    static func isFinal(_ state: String) -> Bool { state != "QUEUED" && state != "RUNNING" }

    static func path(_ id: String) -> String { "/api/v1/runs/\(id.percentEncoded)" }
}

extension APIConnection {
    /// Nothing more comes for a run. One that is finished stays so.
    /// - Returns: its state; `nil` where that cannot be found out.
    @discardableResult
    func finish(_ run: String) async throws -> String? {
        do {
            let answer = try await post("\(Run.path(run)):finish", json: nil)
            return (try? Self.decode(Run.self, answer))?.state
        } catch ClientFailure.refused(let problem) where problem.code == "runs.already_finished" {
            return try? await state(of: run)
        }
    }

    /// How a run stands: all that a key of a CI may know of it.
    /// - Parameter wait: seconds to wait for its end.
    func state(of run: String, wait: Int = 0) async throws -> String {
        let state = try await word("\(Run.path(run))/status", query: [("wait", "\(wait)")], patience: .seconds(Int64(wait) + 30)).uppercased()
        guard Run.states.contains(state) else { throw ClientFailure.unreachable("the answer is not one of an Assay server that this `assay` knows") }
        return state
    }
}

/// What one test did, as far as the client shows it.
struct TestResult: Decodable, Equatable, Sendable {
    let id: String
    let name: String
    let outcome: String
    var suiteName: String?
    var className: String?
    var durationUs: Int64?
    var durationMs: Int64?
    var file: String?
    var line: Int?
    var message: String?
    var type: String?

    /// `nil` when the report did not say.
    var seconds: Double? { durationUs.map { Double($0) / 1_000_000 } ?? durationMs.map { Double($0) / 1_000 } }
}

/// One page of a list.
struct Page<Item: Decodable & Sendable>: Decodable, Sendable {
    struct Position: Decodable, Sendable {
        let nextCursor: String?
    }
    let data: [Item]
    let page: Position?
}

/// A time limit on a command line: seconds, or `90s`, `10m`, `2h`.
struct TimeLimit: Equatable, Sendable {
    let seconds: Int

    init(seconds: Int) {
        self.seconds = seconds
    }

    init?(text: String) {
        let unit = text.last.flatMap { ["s": 1, "m": 60, "h": 3_600][$0] }
        guard let number = Int(unit == nil ? text : String(text.dropLast())), number > 0, number <= 1_000_000 else { return nil }
        seconds = number * (unit ?? 1)
    }
}
