import CommonAPI
import ExecutionAPI
import Foundation
import GRPCCore
import Hummingbird
import Primitives
import ProjectsAPI
import ServiceKit
import SwiftProtobuf

/// The secrets of a project's tests, and a form to add one. All of a secret is shown but its value, which no service gives back.
enum SecretsPage {
    static let limit: Int32 = 50
    /// Who may add secrets, change and delete them.
    static let permission = "projects.write"

    struct View: Sendable {
        let head: ProjectHead
        let listPath: String
        /// How a secret is written in a case; no template can hold its braces.
        let example: String
        let rows: [Row]
        let hasRows: Bool
        let isEmpty: Bool
        let note: String?
        let pager: Pager?
        let canWrite: Bool
        /// `nil` for who may not add one.
        let form: SecretForm?
        /// Why nothing was done for somebody who has no form that could say so.
        let notAllowed: String?

        init(
            project: PBProject, secrets: Panel<PBListSecretsResponse>, form: SecretForm?, notAllowed: String? = nil, pager: Pager?, now: Date
        ) {
            head = ProjectHead(project, tab: .secrets)
            listPath = SecretsPage.path(project)
            example = SecretsPage.reference("API_TOKEN")
            rows = secrets.content?.data.map { Row($0, of: project, now: now) } ?? []
            hasRows = !rows.isEmpty
            note = secrets.note
            isEmpty = note == nil && rows.isEmpty
            self.pager = pager
            canWrite = form != nil
            self.form = form
            self.notAllowed = notAllowed
        }
    }

    struct Row: Sendable {
        let path: String
        let name: String
        /// What stands for it in a case.
        let reference: String
        /// `nil` where it is for all.
        let environment: String?
        let hosts: [String]
        let updated: Moment
        let updatedBy: String
        let version: Int64

        init(_ secret: PBSecret, of project: PBProject, now: Date) {
            path = SecretsPage.path(project, secret.id)
            name = secret.name.shortened(to: 200)
            reference = SecretsPage.reference(name)
            environment = secret.environment.nonEmpty?.shortened(to: 200)
            hosts = secret.hosts.map { $0.shortened(to: 300) }
            updated = Moment(secret.updatedAt, now: now)
            updatedBy = secret.updatedBy
            version = secret.version
        }
    }

    static func path(_ project: PBProject) -> String { PageAddress.path("projects", project.slug, "secrets") }
    static func path(_ project: PBProject, _ secret: String) -> String { PageAddress.path("projects", project.slug, "secrets", secret) }

    static func reference(_ name: String) -> String { "{{secret.\(name)}}" }

    static func client(_ visit: Visit) -> PBSecrets.Client<ServiceTransport> { PBSecrets.Client(wrapping: visit.upstream("execution")) }

    static func show(_ visit: Visit) async throws -> Response { try await page(visit) }

    private static func page(_ visit: Visit, _ attempt: SecretForm.Attempt? = nil) async throws -> Response {
        let cursor = attempt == nil ? try visit.cursor(filter: []) : ""
        let (project, view) = try await visit.asking {
            let project = try await ProjectHead.project(visit)
            let secrets = await Panel.load("Secrets") {
                try await client(visit).listSecrets(
                    .with {
                        $0.project = project.id
                        $0.limit = limit
                        $0.cursor = cursor
                    })
            }
            let canWrite = visit.may(permission, in: project)
            let view = View(
                project: project, secrets: secrets, form: canWrite ? SecretForm(attempt: attempt) : nil,
                notAllowed: canWrite ? nil : attempt?.fault.pageDetail,
                pager: try visit.pager(next: secrets.content?.page.nextCursor ?? "", filter: []), now: visit.now)
            return (project, view)
        }
        let status = attempt.map { Problem.status(of: $0.fault) } ?? .ok
        return visit.page(.secrets, "Secrets of \(view.head.name)", crumbs: ProjectHead.crumbs(project, "Secrets"), status: status, view)
    }

    /// Adds one. The form carries a value that was made with the page, so that a second click finds the first secret.
    static func create(_ visit: Visit) async throws -> Response {
        let fields = try await visit.form()
        do {
            let project = try await visit.asking(once: Visit.once(fields)) {
                let project = try await ProjectHead.project(visit)
                _ = try await client(visit).createSecret(
                    .with {
                        $0.project = project.id
                        $0.name = SecretForm.text(fields, "name")
                        $0.environment = SecretForm.text(fields, "environment")
                        // To the letter: spaces may be part of it.
                        $0.value = fields["value"] ?? ""
                        $0.hosts = SecretForm.hosts(fields)
                    })
                return project
            }
            return visit.redirect(to: path(project))
        } catch let fault as Fault where fault.isRefusal {
            return try await page(visit, SecretForm.Attempt(fields: fields, fault: fault))
        }
    }
}
