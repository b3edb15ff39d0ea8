import ExecutionAPI
import Foundation
import Hummingbird
import Primitives
import ProjectsAPI
import SwiftProtobuf

/// One secret: where it may go, and a form that puts another value in its place, changes its hosts, or deletes it.
enum SecretPage {
    struct View: Sendable {
        let title: String
        let path: String
        let secret: SecretsPage.Row
        /// Whether the hosts that are saved stand by themselves: where no form shows them, or where the form shows what somebody else did not save.
        let showsSaved: Bool
        /// `nil` for who may only look.
        let form: SecretForm?
        let notAllowed: String?

        init(_ secret: PBSecret, of project: PBProject, attempt: SecretForm.Attempt? = nil, canWrite: Bool, now: Date) {
            let row = SecretsPage.Row(secret, of: project, now: now)
            title = row.name
            path = row.path
            self.secret = row
            showsSaved = !canWrite || attempt?.fault == .versionStale
            form = canWrite ? SecretForm(secret, attempt: attempt) : nil
            notAllowed = canWrite ? nil : attempt?.fault.pageDetail
        }
    }

    static func show(_ visit: Visit) async throws -> Response { try await page(visit) }

    private static func page(_ visit: Visit, _ attempt: SecretForm.Attempt? = nil) async throws -> Response {
        let (project, view) = try await visit.asking {
            let project = try await ProjectHead.project(visit)
            let secret = try await find(of: project, visit)
            let canWrite = visit.may(SecretsPage.permission, in: project)
            return (project, View(secret, of: project, attempt: attempt, canWrite: canWrite, now: visit.now))
        }
        let status = attempt.map { Problem.status(of: $0.fault) } ?? .ok
        let crumbs = ProjectHead.crumbs(project, ("Secrets", SecretsPage.path(project)), view.title)
        return visit.page(.secret, "Secret \(view.title)", crumbs: crumbs, status: status, view)
    }

    /// - Throws: `secret.not_found`, also for one of another project.
    private static func find(of project: PBProject, _ visit: Visit) async throws -> PBSecret {
        let id = try visit.context.parameter("secret")
        let secret = try await SecretsPage.client(visit).getSecret(.with { $0.secret = id })
        guard secret.project == project.id else { throw Fault.notFound("secret", id) }
        return secret
    }

    // MARK: - Changing

    static func submit(_ visit: Visit) async throws -> Response {
        let fields = try await visit.form()
        do {
            let project = try await visit.asking(once: Visit.once(fields)) {
                let project = try await ProjectHead.project(visit)
                let secret = try await find(of: project, visit)
                try await act(fields, on: secret.id, visit)
                return project
            }
            return visit.redirect(to: SecretsPage.path(project))
        } catch let fault as Fault where fault.isRefusal {
            return try await page(visit, SecretForm.Attempt(fields: fields, fault: fault))
        }
    }

    private static func act(_ fields: [String: String], on id: String, _ visit: Visit) async throws {
        guard fields["action"] != "delete" else {
            _ = try await SecretsPage.client(visit).deleteSecret(
                .with {
                    $0.secret = id
                    $0.version = Visit.version(fields)
                })
            return
        }
        let hosts = SecretForm.hosts(fields)
        // To the service none means those that it has, which is not what an empty field says.
        guard !hosts.isEmpty else { throw Fault.invalidField("/hosts", "required", "Write at least one host that it may be sent to.") }
        _ = try await SecretsPage.client(visit).updateSecret(
            .with {
                $0.secret = id
                if let value = fields["value"]?.nonEmpty { $0.value = value }
                $0.hosts = hosts
                $0.version = Visit.version(fields)
            })
    }
}
