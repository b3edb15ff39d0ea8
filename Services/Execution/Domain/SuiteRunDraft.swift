import Foundation
import Primitives

/// What StartRun takes, checked.
struct SuiteRunDraft: Sendable {
    static let defaultConcurrency = 16
    static let concurrency = 1...64
    /// An hour, and from a second to a day.
    static let defaultTimeout: Int64 = 3_600_000
    static let timeout: ClosedRange<Int64> = 1_000...86_400_000

    let project: ID<Project>
    let suite: ID<Suite>
    let variables: [String: String]
    let environment: String
    let branch: String
    let commit: String
    let tags: [String: String]
    /// Cases that run at once.
    let concurrency: Int
    /// From StartRun on; the run ends as timed out after it.
    let timeoutMilliseconds: Int64

    /// - Parameter concurrency: 0 means not given.
    /// - Throws: `request.invalid` naming the field.
    init(
        project: ID<Project>, suite: ID<Suite>, variables: [String: String] = [:], environment: String = "", branch: String = "", commit: String = "",
        tags: [String: String] = [:], concurrency: Int = 0, timeoutMilliseconds: Int64? = nil
    ) throws(Fault) {
        // What a run says about itself has the same bounds however it came about.
        _ = try UploadDraft(project: project, branch: branch, commit: commit, environment: environment, tags: tags)
        try Variables.check(variables, at: "/variables")
        guard concurrency == 0 || Self.concurrency.contains(concurrency) else {
            throw .invalidField("/concurrency", "out_of_range", "Between 1 and 64 cases can run at once.")
        }
        guard timeoutMilliseconds.map(Self.timeout.contains) ?? true else {
            throw .invalidField("/timeout_ms", "out_of_range", "A run may take from 1 second to 24 hours.")
        }
        self.project = project
        self.suite = suite
        self.variables = variables
        self.environment = environment
        self.branch = branch
        self.commit = commit
        self.tags = tags
        self.concurrency = concurrency == 0 ? Self.defaultConcurrency : concurrency
        self.timeoutMilliseconds = timeoutMilliseconds ?? Self.defaultTimeout
    }

    /// The run as it waits: nothing of it has begun.
    func run(name: String, cases: Int, triggeredBy actor: String, at now: Date) -> Run {
        Run(
            id: .new(at: now), project: project, kind: .suite, state: .queued, counts: Counts(pending: cases), incomplete: false, suite: suite,
            name: name, branch: branch, commit: commit, environment: environment, ci: .init(), tags: tags, triggeredBy: actor, createdAt: now,
            startedAt: nil, finishedAt: nil, testMicroseconds: 0, version: 1)
    }
}

extension RunDelta {
    /// What one executed or dropped case changes.
    mutating func settle(_ outcome: Outcome, microseconds: Int64) {
        counts.count(outcome)
        counts.pending -= 1
        testMicroseconds += microseconds
    }
}
