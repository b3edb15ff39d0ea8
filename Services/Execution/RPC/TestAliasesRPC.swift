import CommonAPI
import ExecutionAPI
import Foundation
import GRPCCore
import Primitives
import ServiceKit
import SwiftProtobuf

/// `assay.execution.v1.TestAliases`
struct TestAliasesRPC: PBTestAliases.SimpleServiceProtocol {
    /// Tests of either kind among which pairs are looked for.
    static let mostCompared = 300

    let aliases: AliasStore
    let runs: RunStore
    let comparisons: ComparisonStore

    func listTestAliases(request: PBListTestAliasesRequest, context: ServerContext) async throws -> PBListTestAliasesResponse {
        let page = try PageRequest(limit: Int(request.limit), cursor: request.cursor)
        let found = try await aliases.list(page, project: project(request.project), tenant: Caller.current.tenant)
        return .with {
            $0.data = found.items.map(PBTestAlias.init)
            $0.page = PBPage(found)
        }
    }

    func createTestAlias(request: PBCreateTestAliasRequest, context: ServerContext) async throws -> PBTestAlias {
        guard request.note.unicodeScalars.count <= 500, !request.note.utf8.contains(0) else {
            throw Fault.invalidField("/note", "too_long", "A note may have 500 characters, none of them NUL.")
        }
        let alias = try ID<TestIdentity>(request.alias, field: "/alias")
        let test = try ID<TestIdentity>(request.test, field: "/test")
        return try await PBTestAlias(
            aliases.insert(
                alias, of: test, note: request.note, by: Caller.current.actor, project: project(request.project), tenant: Caller.current.tenant))
    }

    func deleteTestAlias(request: PBDeleteTestAliasRequest, context: ServerContext) async throws -> PBEmpty {
        try await aliases.delete(ID(request.alias, field: "alias"), project: project(request.project), tenant: Caller.current.tenant)
        return PBEmpty()
    }

    func suggestTestAliases(request: PBSuggestTestAliasesRequest, context: ServerContext) async throws -> PBSuggestTestAliasesResponse {
        let tenant = Caller.current.tenant
        let (run, span) = try await runs.span(ID(request.run, field: "run"), tenant: tenant)
        try Caller.current.require(project: run.project.uuid)
        let (base, baseSpan) = try await runs.span(ID(request.base, field: "base"), tenant: tenant)
        try Caller.current.require(project: base.project.uuid)
        guard base.project == run.project else { throw Fault.otherProject(base.id) }
        let removed = try await comparisons.first(Self.mostCompared, [.removed], of: span, against: baseSpan, tenant: tenant)
        // A test that is new and fails is a new failure.
        let added = try await comparisons.first(Self.mostCompared, [.added, .newFailure], of: span, against: baseSpan, tenant: tenant)
            .filter { $0.base == nil }
        let pairs = RenameSuggestions.pairs(removed: removed, added: added)
        return .with { $0.data = pairs.map(PBAliasSuggestion.init) }
    }

    private func project(_ text: String) throws -> ID<Project> {
        let project = try ID<Project>(text, field: "project")
        try Caller.current.require(project: project.uuid)
        return project
    }
}

extension PBTestAlias {
    init(_ alias: TestAlias) {
        self.init()
        project = alias.project.description
        self.alias = alias.alias.description
        test = alias.test.description
        note = alias.note
        createdBy = alias.createdBy
        createdAt = Google_Protobuf_Timestamp(milliseconds: alias.createdAt)
    }
}

extension PBAliasSuggestion {
    init(_ pair: RenameSuggestions.Pair) {
        self.init()
        test = PBSuggestedTest(pair.test)
        alias = PBSuggestedTest(pair.alias)
        similarity = (pair.similarity * 100).rounded() / 100
    }
}

extension PBSuggestedTest {
    init(_ difference: TestDifference) {
        self.init()
        test = difference.test.description
        suiteName = difference.suiteName
        className = difference.className
        name = difference.name
    }
}
