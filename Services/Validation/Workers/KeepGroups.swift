import Foundation
import Jobs
import Primitives

/// Looks through the groups of a project from time to time: rows that an earlier release wrote are made again, what nobody has seen for very
/// long is forgotten, and so are patterns of its logs; what has been absent for long is over.
struct KeepGroups: JobHandler {
    struct Payload: JobPayload {
        static let kind = "keep-groups"

        let project: ID<Project>
    }

    /// Between two rounds of a project in which anything runs. The first run that is completed after a round brings about the next one.
    static let interval = Duration.seconds(6 * 3600)
    /// Days. Groups that were not seen for so long make room, unless a person has said anything about them; hours and branches are told for as long.
    static let memory = 90

    let upkeep: GroupUpkeepStore
    let logs: LogPatternStore

    func handle(_ payload: Payload, _ job: Job) async throws {
        let scope = ProjectScope(tenant: job.tenant, project: payload.project)
        let now = Date()
        _ = try await upkeep.regroup(scope)
        _ = try await upkeep.rejoin(scope)
        while try await upkeep.catchUpLessons(scope) == SignatureLessons.mostAtOnce {}
        var looked: SignatureID?
        repeat { looked = try await upkeep.renew(after: looked, scope) } while looked != nil
        let before = now.addingTimeInterval(-Double(Self.memory) * 86_400)
        while try await upkeep.forget(before: before, scope) > 0 {}
        while try await logs.forgetRuns(before: before, scope) {}
        while try await logs.forgetDays(before: before, scope) {}
        try await logs.forgetPatterns(before: before, scope)
        // Last: looking at runs takes longest, and what is too much for it must not keep the rest from being forgotten.
        while try await upkeep.resolveAbsent(scope, now: now) == GroupUpkeepStore.maxResolved {}
    }
}
