import Primitives

/// Tells a receiver what an alias stands for, so that what it hears last is what holds.
///
/// Jobs of one alias run side by side, and a call may land long after it was made: to read first what holds puts no calls in order. So it is read
/// again once the call is over, and told again while it is another. Whichever call lands last is followed by such a look.
struct AliasAnnouncement: Sendable {
    /// Of one job, which has ten minutes; a call may have three of them (`PublishAlias`).
    static let mostRounds = 3

    let aliases: AliasStore

    /// - Parameter tell: gets the test that the alias stands for, or an empty text.
    /// - Throws: `StillChanging`, for which the job is tried again.
    func make(of alias: ID<TestIdentity>, project: ID<Project>, tenant: ID<Tenant>, by tell: (String) async throws -> Void) async throws {
        var holding = try await target(of: alias, project: project, tenant: tenant)
        for _ in 0..<Self.mostRounds {
            try await tell(holding)
            let now = try await target(of: alias, project: project, tenant: tenant)
            if now == holding { return }
            holding = now
        }
        throw StillChanging()
    }

    private func target(of alias: ID<TestIdentity>, project: ID<Project>, tenant: ID<Tenant>) async throws -> String {
        try await aliases.resolve([alias], project: project, tenant: tenant)[alias]?.description ?? ""
    }

    /// It was another one after each call.
    struct StillChanging: Error, CustomStringConvertible {
        let description = "the alias is changed all the time"
    }
}
