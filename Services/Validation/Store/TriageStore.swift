import Audit
import Foundation
import Postgres
import Primitives

/// All SQL of what persons decide about groups, in the transaction that audits it.
struct TriageStore: Sendable {
    /// Done to the signatures of groups: what becomes of a group follows.
    enum Action: Sendable {
        case resolve(Resolution)
        case reopen(by: String, at: Date)
        case assign(String)

        var word: String {
            switch self {
            case .resolve: "resolve"
            case .reopen: "reopen"
            case .assign: "assign"
            }
        }
    }

    let database: Database
    let groups: GroupStore
    let sums = GroupSums()

    /// What is so already changes nothing.
    /// - Throws: `failure_group.not_found`.
    func apply(_ action: Action, to id: ID<FailureGroup>, _ scope: ProjectScope) async throws -> FailureGroup {
        try await database.transaction(.tenant(scope.tenant)) { tx in
            try await scope.lock(in: tx)
            let group = try await groups.get(id, scope, in: tx)
            guard action.changes(group) else {
                AuditedCall.changedNothing()
                return group
            }
            try await carryOut(action, on: [group.id], scope, in: tx)
            try await tx.audit(group.id, project: scope.project, details: action.details)
            return try await groups.get(group.id, scope, in: tx)
        }
    }

    /// - Returns: groups that were changed, and whether there are more than a call reaches.
    func apply(_ action: Action, where filter: GroupFilter, _ scope: ProjectScope) async throws -> (changed: Int, hasMore: Bool) {
        try await database.transaction(.tenant(scope.tenant)) { tx in
            try await scope.lock(in: tx)
            let found = try await tx.rows(
                """
                select group_id from failure_groups
                where tenant_id = \(scope.tenant) and project_id = \(scope.project) \(fragment: filter.conditions(scope))
                  and \(fragment: action.difference)
                order by last_at desc, group_id desc
                limit \(FailureGroup.maxApplied + 1)
                """
            ) { try $0.value("group_id", as: ID<FailureGroup>.self) }
            let reached = Array(found.prefix(FailureGroup.maxApplied))
            guard !reached.isEmpty else {
                AuditedCall.changedNothing()
                return (0, false)
            }
            try await carryOut(action, on: reached, scope, in: tx)
            let details = ["action": action.word, "changed": "\(reached.count)"].merging(action.details) { own, _ in own }
            try await tx.audit(scope.project, project: scope.project, details: details.merging(filter.details) { own, _ in own })
            return (reached.count, found.count > reached.count)
        }
    }

    private func carryOut(_ action: Action, on groups: [ID<FailureGroup>], _ scope: ProjectScope, in tx: Transaction) async throws {
        let change: SQL =
            switch action {
            case .resolve(let resolution):
                """
                resolved_at = \(resolution.at), resolved_by = \(resolution.by), resolved_branch = \(resolution.branch),
                resolved_commit = \(resolution.commit), \(fragment: Self.neither)
                """
            case .reopen(let by, let at):
                """
                resolved_at = null, resolved_by = null, resolved_branch = null, resolved_commit = null,
                reopened_at = \(at), reopened_by = \(by), \(fragment: Self.neither)
                """
            case .assign(let owner):
                "owner = \(owner), owned_at = now()"
            }
        try await tx.execute(
            """
            update failure_signatures set \(fragment: change)
            where tenant_id = \(scope.tenant) and project_id = \(scope.project) and group_id = any(\(groups.map(\.uuid)))
            """)
        try await sums.update(Set(groups.map { SignatureID(uuid: $0.uuid) }), recount: [], descriptions: [:], scope, in: tx)
    }

    /// Absent, or regressed.
    private static let neither: SQL = """
        absent_runs = null, absent_days = null, absent_runs_needed = null, absent_days_needed = null, absent_elsewhere = null,
        regressed_at = null, regressed_result = null, regressed_run = null, regressed_branch = null, regressed_commit = null,
        regressed_environment = null, regressed_since = null
        """
}

extension TriageStore.Action {
    fileprivate func changes(_ group: FailureGroup) -> Bool {
        switch self {
        case .resolve(let resolution):
            group.state != .resolved || group.resolution?.branch != resolution.branch || group.resolution?.commit != resolution.commit
                || group.resolution?.isAbsence == true
        case .reopen: group.resolution != nil
        case .assign(let owner): group.owner != owner
        }
    }

    /// The same for groups that a filter selects: so a call that is repeated goes on where the last one ended.
    fileprivate var difference: SQL {
        switch self {
        // A person's word takes the place of long absence.
        case .resolve: "(state <> 'resolved' or resolved_by = '')"
        case .reopen: "resolved_at is not null"
        case .assign(let owner): "owner <> \(owner)"
        }
    }

    fileprivate var details: [String: String] {
        switch self {
        case .resolve(let resolution): ["branch": resolution.branch, "commit_sha": resolution.commit].filter { !$0.value.isEmpty }
        case .reopen: [:]
        case .assign(let owner): ["owner": owner]
        }
    }
}

extension GroupFilter {
    /// For the audit log.
    fileprivate var details: [String: String] {
        [
            "filter_state": states.map(\.rawValue).joined(separator: ","), "filter_category": categories.map(\.rawValue).joined(separator: ","),
            "filter_branch": branch, "filter_owner": owner, "filter_q": text,
        ].filter { !$0.value.isEmpty }
    }
}
