import ExecutionAPI
import Foundation
import Primitives
import ProjectsAPI

@testable import GatewayService

/// The pages about secrets of tests.
extension PageGallery {
    var secrets: [(name: String, html: String)] {
        let f = fixtures
        let older = Pager(first: "/projects/checkout/secrets", next: "/projects/checkout/secrets?cursor=abc")
        let written = [
            "name": f.user("API_TOKEN"), "environment": f.user("staging"), "value": Self.secretValue, "hosts": f.user("https://api.example.com/v1"),
            "version": "2",
        ]
        let wrong = Fault(
            .invalid, "request.invalid", "No.",
            fields: ["/name", "/environment", "/value", "/hosts/0"].map { Fault.FieldFault($0, "invalid", f.user("Choose another.")) })
        let full = Fault(.precondition, "secrets.full", f.user("The project has 100 secrets, which is all it may have."))
        return [
            ("secrets", list(SecretsPage.View(project: f.project, secrets: .content(f.secrets), form: SecretForm(), pager: older, now: f.now))),
            (
                "secrets-refused",
                list(
                    SecretsPage.View(
                        project: f.project, secrets: .content(f.secrets), form: SecretForm(attempt: .init(fields: written, fault: wrong)),
                        pager: older,
                        now: f.now))
            ),
            (
                "secrets-full",
                list(
                    SecretsPage.View(
                        project: f.project, secrets: .content(f.secrets), form: SecretForm(attempt: .init(fields: written, fault: full)), pager: nil,
                        now: f.now))
            ),
            ("secret", one(SecretPage.View(f.secrets.data[1], of: f.project, canWrite: true, now: f.now))),
            (
                "secret-stale",
                one(
                    SecretPage.View(
                        f.secrets.data[1], of: f.project, attempt: .init(fields: written, fault: .versionStale), canWrite: true, now: f.now))
            ),
            (
                "secret-refused",
                one(SecretPage.View(f.secrets.data[0], of: f.project, attempt: .init(fields: written, fault: wrong), canWrite: true, now: f.now))
            ),
        ]
    }

    /// With nothing on them, or for who may only look.
    var secretsBesides: [(name: String, html: String)] {
        let f = fixtures
        let lacking = SecretForm.Attempt(fields: [:], fault: Fault(.forbidden, "permission.missing", "You lack projects.write."))
        return [
            ("secrets-empty", list(SecretsPage.View(project: f.project, secrets: .content(.init()), form: SecretForm(), pager: nil, now: f.now))),
            ("secrets-away", list(SecretsPage.View(project: f.project, secrets: .note("Away."), form: SecretForm(), pager: nil, now: f.now))),
            (
                "secrets-empty-read",
                list(SecretsPage.View(project: f.project, secrets: .content(.init()), form: nil, pager: nil, now: f.now))
            ),
            (
                "secrets-read",
                list(
                    SecretsPage.View(
                        project: f.project, secrets: .content(f.secrets), form: nil, notAllowed: lacking.fault.pageDetail, pager: nil, now: f.now))
            ),
            ("secret-read", one(SecretPage.View(f.secrets.data[1], of: f.project, attempt: lacking, canWrite: false, now: f.now))),
        ]
    }

    /// On no page, although somebody has just written it.
    static let secretValue = "v4lue-that-n0body-reads"

    private func list(_ view: SecretsPage.View) -> String {
        html(.secrets, title: "Secrets", crumbs: ProjectHead.crumbs(fixtures.project, "Secrets"), view)
    }

    private func one(_ view: SecretPage.View) -> String {
        html(.secret, title: "Secret", crumbs: ProjectHead.crumbs(fixtures.project, ("Secrets", "/projects/checkout/secrets"), view.title), view)
    }
}
