import AuditChain
import CommonAPI
import Contract
import Foundation
import GRPCCore
import GatewayAPI
import Primitives
import ServiceKit
import SwiftProtobuf

/// `assay.gateway.v1.Audit`: reading what was done.
struct AuditRPC: PBAudit.SimpleServiceProtocol {
    let entries: AuditStore
    let visibility: ActivityVisibility

    func listAuditEntries(request: PBListAuditEntriesRequest, context: ServerContext) async throws -> PBListAuditEntriesResponse {
        let caller = Caller.current
        var filter = AuditStore.Filter(action: request.action, actor: request.actor, subject: request.subject)
        filter.projects = try projects(request.project, caller)
        filter.since = request.hasSince ? request.since.date : nil
        filter.until = request.hasUntil ? request.until.date : nil
        let page = try await entries.list(PageRequest(limit: Int(request.limit), cursor: request.cursor), filter, tenant: caller.tenant)
        return .with {
            $0.data = page.items.map(PBAuditEntry.init)
            $0.page = PBPage(page)
        }
    }

    func getAuditKey(request: PBGetAuditKeyRequest, context: ServerContext) async throws -> PBAuditKey {
        .with {
            $0.algorithm = "Ed25519"
            $0.publicKey = entries.signer.publicKey.base64EncodedString()
        }
    }

    func listActivity(request: PBListActivityRequest, context: ServerContext) async throws -> PBListActivityResponse {
        let caller = Caller.current
        var filter = AuditStore.Filter(actor: request.actor, subject: request.subject)
        filter.projects = try projects(request.project, caller)
        filter.actions = visibility.actions(for: caller.permissions)
        for (project, held) in caller.identity.grants.permissions {
            let name = ID<Project>(uuid: project).description
            filter.granted += visibility.actions(for: held).map { .init(project: name, action: $0) }
        }
        let page = try await entries.list(PageRequest(limit: Int(request.limit), cursor: request.cursor), filter, tenant: caller.tenant)
        return .with {
            $0.data = page.items.map { link in
                var entry = PBAuditEntry(link)
                entry.requestID = ""
                entry.address = ""
                return entry
            }
            $0.page = PBPage(page)
        }
    }

    /// Who is bound to projects sees what belongs to them, and nothing of the organization's own.
    private func projects(_ asked: String, _ caller: Caller) throws -> [String]? {
        let own = caller.projects.map { $0.map { ID<Project>(uuid: $0).description } }
        guard !asked.isEmpty else { return own }
        let project = try ID<Project>(asked, field: "project")
        try caller.require(project: project)
        return [project.description]
    }
}

/// Which acts somebody may see in the activity feed: those on what they may read. A contract's method that changes suites asks for `suites.write`;
/// whoever holds that or `suites.read` sees what was done with it.
struct ActivityVisibility: Sendable {
    private let permissions: [String: Set<String>]

    init(_ rules: [MethodRule]) {
        var permissions: [String: Set<String>] = [:]
        for rule in rules {
            guard let action = rule.audit, let permission = rule.permission, let area = permission.split(separator: ".").first else { continue }
            // Results and failures are read with runs: there is no permission of their own to read them.
            let isReadWithRuns = area == "results" || area == "failures"
            permissions[action, default: []].formUnion([permission, isReadWithRuns ? "runs.read" : "\(area).read"])
        }
        self.permissions = permissions
    }

    func actions(for held: Set<String>) -> [String] {
        permissions.filter { !$0.value.isDisjoint(with: held) }.map(\.key).sorted()
    }
}

extension PBAuditEntry {
    init(_ link: AuditStore.Link) {
        self.init()
        id = link.entry.id
        number = link.entry.number
        at = Google_Protobuf_Timestamp(milliseconds: link.at)
        service = link.entry.service
        action = link.entry.action
        actor = link.entry.actor
        subject = link.entry.subject
        project = link.entry.project
        details = link.entry.details
        requestID = link.entry.requestID
        address = link.entry.address
        hash = link.hash.description
    }
}
