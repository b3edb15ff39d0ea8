import Foundation
import Jobs
import Primitives

/// Looks through the last days of a project for failures that a host, a zone, an hour or a single run explains, and takes them from their tests; gives back
/// what is explained otherwise by now. Runs some time after something failed, or passed that had failed.
struct SearchEnvironment: JobHandler {
    struct Payload: JobPayload {
        static let kind = "search-environment"

        let project: ID<Project>

        /// One search serves all batches of a minute: it runs after that minute is over, so that whatever asked for it is there.
        func key(at now: Date) -> String { "\(project)/\(Int64(now.timeIntervalSince1970 / SearchEnvironment.pace))" }
    }

    /// Seconds.
    static let pace: TimeInterval = 60
    /// A minute and what a transaction may take.
    static let delay: Duration = .seconds(90)
    static let concurrency = 1
    /// Looks in a row, of which each but the first is due to what a person said during the one before.
    static let mostLooks = 5

    let environments: EnvironmentStore
    let now: @Sendable () -> Date

    init(environments: EnvironmentStore, now: @escaping @Sendable () -> Date = { Date() }) {
        self.environments = environments
        self.now = now
    }

    func handle(_ payload: Payload, _ job: Job) async throws {
        // Looks again when a person has said something meanwhile of what it found.
        for _ in 0..<Self.mostLooks {
            if try await search(payload.project, tenant: job.tenant) { return }
            try Task.checkCancellation()
        }
        throw Fault.environmentBusy
    }

    private func search(_ project: ID<Project>, tenant: ID<Tenant>) async throws -> Bool {
        let now = now()
        let (runs, failures, incidents) = try await environments.window(of: project, at: now, tenant: tenant)
        let executions = try await environments.executions(of: failures, at: now, tenant: tenant)
        let findings = EnvironmentFindings(
            project: project, runs: runs, failures: failures, executions: executions, known: incidents, now: now)
        return try await environments.apply(findings, project: project, tenant: tenant)
    }
}
