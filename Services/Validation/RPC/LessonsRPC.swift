import CommonAPI
import GRPCCore
import Primitives
import ServiceKit
import SwiftProtobuf
import ValidationAPI

/// `assay.validation.v1.Lessons`
struct LessonsRPC: PBLessons.SimpleServiceProtocol {
    let rules: RuleStore

    func listLessons(request: PBListLessonsRequest, context: ServerContext) async throws -> PBListLessonsResponse {
        let page = try PageRequest(limit: Int(request.limit), cursor: request.cursor)
        let listed = try await rules.lessons.list(page, of: project(request.project), tenant: Caller.current.tenant)
        return .with {
            $0.data = listed.items.map(PBLesson.init)
            $0.page = PBPage(listed)
        }
    }

    func getLearning(request: PBGetLearningRequest, context: ServerContext) async throws -> PBLearning {
        try await PBLearning(rules.learning(of: project(request.project), tenant: Caller.current.tenant))
    }

    func putLearning(request: PBPutLearningRequest, context: ServerContext) async throws -> PBLearning {
        let caller = Caller.current
        return try await PBLearning(
            rules.put(
                learning: request.enabled, version: request.version, of: project(request.project), by: caller.actor, tenant: caller.tenant))
    }

    private func project(_ text: String) throws -> ID<Project> {
        let project = try ID<Project>(text, field: "project")
        try Caller.current.require(project: project)
        return project
    }
}

extension PBLearning {
    fileprivate init(_ learning: Learning) {
        self.init()
        enabled = learning.isOn
        lessonsEdition = learning.lessons
        version = learning.version
    }
}

extension PBLesson {
    fileprivate init(_ lesson: Lesson) {
        self.init()
        let told = GroupDescription([(lesson.signature.origin, lesson.signature.text)])
        result = lesson.result.description
        signature = ID<Signature>(uuid: lesson.signature.id.uuid).description
        text = told.template
        errorType = told.errorType
        location = told.location
        category = lesson.category.message
        if let severity = lesson.severity { self.severity = severity.message }
        decidedBy = lesson.decidedBy
        decidedAt = Google_Protobuf_Timestamp(milliseconds: lesson.decidedAt)
        verdictVersion = lesson.verdict
        edition = lesson.edition
    }
}
