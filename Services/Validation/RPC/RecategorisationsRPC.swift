import CommonAPI
import GRPCCore
import Primitives
import ServiceKit
import SwiftProtobuf
import ValidationAPI

/// `assay.validation.v1.Recategorisations`
struct RecategorisationsRPC: PBRecategorisations.SimpleServiceProtocol {
    let recategorisations: RecategorisationStore
    let rules: RuleStore

    func recategoriseFailures(request: PBRecategoriseFailuresRequest, context: ServerContext) async throws -> PBRecategorisation {
        let caller = Caller.current
        let project = try project(request.project)
        let book = try await rules.book(of: project, tenant: caller.tenant)
        var edition = book.edition
        edition.lessons = book.lessons
        return try await PBRecategorisation(
            recategorisations.insert(edition, of: project, by: caller.actor, key: caller.idempotencyKey, tenant: caller.tenant))
    }

    func getRecategorisation(request: PBGetRecategorisationRequest, context: ServerContext) async throws -> PBRecategorisation {
        let caller = Caller.current
        let found = try await recategorisations.get(ID(request.recategorisation, field: "recategorisation"), tenant: caller.tenant)
        try caller.require(project: found.project)
        return PBRecategorisation(found)
    }

    func listRecategorisations(request: PBListRecategorisationsRequest, context: ServerContext) async throws -> PBListRecategorisationsResponse {
        let page = try PageRequest(limit: Int(request.limit), cursor: request.cursor)
        let listed = try await recategorisations.list(page, of: project(request.project), tenant: Caller.current.tenant)
        return .with {
            $0.data = listed.items.map(PBRecategorisation.init)
            $0.page = PBPage(listed)
        }
    }

    private func project(_ text: String) throws -> ID<Project> {
        let project = try ID<Project>(text, field: "project")
        try Caller.current.require(project: project)
        return project
    }
}

extension PBRecategorisation {
    init(_ found: Recategorisation) {
        self.init()
        id = found.id.description
        project = found.project.description
        state =
            switch found.state {
            case .waiting: .waiting
            case .running: .running
            case .done: .done
            case .abandoned: .abandoned
            }
        done = found.done
        if let total = found.total { self.total = total }
        changed = found.changed
        withoutTexts = found.withoutTexts
        changedLogPatterns = found.changedLogPatterns
        builtInEdition = found.edition.builtIn
        projectEdition = found.edition.project
        lessonsEdition = found.edition.lessons
        startedBy = found.startedBy
        createdAt = Google_Protobuf_Timestamp(milliseconds: found.createdAt)
        if let finished = found.finishedAt { finishedAt = Google_Protobuf_Timestamp(milliseconds: finished) }
    }
}
