import ExecutionAPI
import Foundation
import GRPCCore
import Hummingbird
import Primitives
import ProjectsAPI
import ServiceKit
import SwiftProtobuf

/// What a project is willing to spend on trying failed tests again, and what it spent today.
enum RetriesPage {
    /// Who may say how much.
    static let permission = "projects.write"
    static let fields: Set<String> = ["max_attempts", "max_failing_tests", "minutes_per_day"]

    struct View: Sendable {
        let head: ProjectHead
        let path: String
        let note: String?
        let policy: Policy?

        init(project: PBProject, policy: Panel<PBRetryPolicy>, canSet: Bool, attempt: Attempt?, now: Date) {
            head = ProjectHead(project, tab: .retries)
            path = RetriesPage.path(project)
            note = policy.note
            self.policy = policy.content.map { Policy($0, canSet: canSet, attempt: attempt, now: now) }
        }
    }

    struct Policy: Sendable {
        let stats: [StatFigure]
        /// `nil` while nobody has set any.
        let updated: Moment?
        let canSet: Bool
        let form: Form

        init(_ policy: PBRetryPolicy, canSet: Bool, attempt: Attempt?, now: Date) {
            let spent = NumberText.minutes(policy.spentMinutes)
            stats = [
                StatFigure("Executions of a test in one build", "\(policy.maxAttempts)"),
                StatFigure("Failing tests in a build, at most", "\(policy.maxFailingTests)"),
                StatFigure("Minutes a day", NumberText.grouped(Int64(policy.minutesPerDay))), StatFigure("Spent today", spent),
            ]
            updated = policy.hasUpdatedAt ? Moment(policy.updatedAt, now: now) : nil
            self.canSet = canSet
            form = Form(policy, attempt: attempt)
        }
    }

    struct Form: Sendable {
        let attempts: String
        let tests: String
        let minutes: String
        let version: Int64
        let refusal: String?
        let attemptsError: String?
        let testsError: String?
        let minutesError: String?

        init(_ policy: PBRetryPolicy, attempt: Attempt?) {
            let written = attempt?.fields
            attempts = written?["max_attempts"] ?? "\(policy.maxAttempts)"
            tests = written?["max_failing_tests"] ?? "\(policy.maxFailingTests)"
            minutes = written?["minutes_per_day"] ?? "\(policy.minutesPerDay)"
            let isStale = attempt?.fault == .versionStale
            version = isStale ? policy.version : attempt.map { Visit.version($0.fields) } ?? policy.version
            let fault = attempt.map { FormRefusal($0.fault, fields: RetriesPage.fields) }
            refusal = fault?.detail
            attemptsError = fault?["max_attempts"]
            testsError = fault?["max_failing_tests"]
            minutesError = fault?["minutes_per_day"]
        }
    }

    /// What was sent, and what came of it.
    struct Attempt: Sendable {
        let fields: [String: String]
        let fault: Fault
    }

    static func path(_ project: PBProject) -> String { PageAddress.path("projects", project.slug, "retries") }

    static func show(_ visit: Visit) async throws -> Response { try await page(visit) }

    private static func page(_ visit: Visit, _ attempt: Attempt? = nil) async throws -> Response {
        let (project, view) = try await visit.asking {
            let project = try await ProjectHead.project(visit)
            let policy = await Panel.load("Retries") { try await retries(visit).getRetryPolicy(.with { $0.project = project.id }) }
            let view = View(project: project, policy: policy, canSet: visit.may(permission, in: project), attempt: attempt, now: visit.now)
            return (project, view)
        }
        let status = attempt.map { Problem.status(of: $0.fault) } ?? .ok
        return visit.page(.retries, "Retries of \(view.head.name)", crumbs: ProjectHead.crumbs(project, "Retries"), status: status, view)
    }

    static func set(_ visit: Visit) async throws -> Response {
        let fields = try await visit.form()
        do {
            let project = try await visit.asking {
                let project = try await ProjectHead.project(visit)
                _ = try await retries(visit).putRetryPolicy(
                    .with {
                        $0.project = project.id
                        $0.maxAttempts = try number(fields, "max_attempts")
                        $0.maxFailingTests = try number(fields, "max_failing_tests")
                        $0.minutesPerDay = try number(fields, "minutes_per_day")
                        $0.version = Visit.version(fields)
                    })
                return project
            }
            return visit.redirect(to: path(project))
        } catch let fault as Fault where fault.isRefusal {
            return try await page(visit, Attempt(fields: fields, fault: fault))
        }
    }

    /// - Throws: `request.invalid` at the field; how large it may be the service says.
    private static func number(_ fields: [String: String], _ name: String) throws(Fault) -> Int32 {
        guard let number = Int32(String((fields[name] ?? "").trimmed)) else {
            throw .invalidField("/\(name)", "invalid", "Write a whole number.")
        }
        return number
    }

    private static func retries(_ visit: Visit) -> PBRetries.Client<ServiceTransport> { PBRetries.Client(wrapping: visit.upstream("execution")) }
}
