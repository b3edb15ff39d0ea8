import CommonAPI
import ExecutionAPI
import GRPCCore
import Primitives
import ServiceKit
import SwiftProtobuf

/// `assay.execution.v1.RetryWords`
struct RetryWordsRPC: PBRetryWords.SimpleServiceProtocol {
    let words: RetryWordStore

    func listRetryWords(request: PBListRetryWordsRequest, context: ServerContext) async throws -> PBListRetryWordsResponse {
        let page = try PageRequest(limit: Int(request.limit), cursor: request.cursor)
        let test = request.test.isEmpty ? nil : try ID<TestIdentity>(request.test, field: "test")
        let listed = try await words.list(page, of: test, project: project(request.project), tenant: Caller.current.tenant)
        return .with {
            $0.data = listed.items.map { listed in
                var message = PBRetryWord(listed.word)
                message.holding = listed.isHolding
                return message
            }
            $0.page = PBPage(listed)
        }
    }

    func getRetryWord(request: PBGetRetryWordRequest, context: ServerContext) async throws -> PBRetryWord {
        let found = try await words.get(
            ID(request.test, field: "test"), project: project(request.project), tenant: Caller.current.tenant)
        return PBRetryWord(found.word, on: found.test)
    }

    func putRetryWord(request: PBPutRetryWordRequest, context: ServerContext) async throws -> PBRetryWord {
        let kind = try RetryWord.Kind(request.kind)
        guard (1...RetryWord.maxNote).contains(request.note.unicodeScalars.count), !request.note.utf8.contains(0) else {
            throw Fault.invalidField("/note", "invalid", "A note has 1 to \(RetryWord.maxNote) characters, and no NUL.")
        }
        let test = try ID<TestIdentity>(request.test, field: "test")
        let said = try await add(kind, request.note, on: test, in: project(request.project), version: request.version)
        return PBRetryWord(said, on: test)
    }

    func deleteRetryWord(request: PBDeleteRetryWordRequest, context: ServerContext) async throws -> PBEmpty {
        let test = try ID<TestIdentity>(request.test, field: "test")
        _ = try await add(nil, "", on: test, in: project(request.project), version: request.version)
        return PBEmpty()
    }

    private func add(
        _ kind: RetryWord.Kind?, _ note: String, on test: ID<TestIdentity>, in project: ID<Project>, version: Int64
    ) async throws -> RetryWord? {
        let caller = Caller.current
        let saying = RetryWordStore.Saying(test: test, kind: kind, note: note, actor: caller.actor)
        return try await words.add(saying, version: version, project: project, tenant: caller.tenant)
    }

    private func project(_ text: String) throws -> ID<Project> {
        let project = try ID<Project>(text, field: "project")
        try Caller.current.require(project: project.uuid)
        return project
    }
}
