import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Primitives

/// The web pages: what they are rendered with, and at which paths they are.
struct Site: Sendable {
    let templates: PageTemplates
    let assets: PageAssets
    let docs: DocsPages
    let cursors: CursorSigner
    /// How browsers reach the gateway, for commands that are shown to be copied.
    let publicURL: String
    /// `Origin` of our own forms.
    let publicOrigin: String

    /// - Throws: when a template or an asset is missing or wrong, which is a mistake in the package.
    init(config: GatewayConfig, logger: Logger) throws {
        guard let resources = Bundle.module.resourceURL else { throw PageTemplateError(template: "all", reason: "are not beside the executable") }
        let templates = try PageTemplates(folder: resources.appending(path: "Templates"))
        let assets = try PageAssets(folder: resources.appending(path: "Assets"), chart: URL(filePath: config.chartScript), logger: logger)
        self.init(
            templates: templates, assets: assets,
            docs: DocsPages(
                document: BundledDocument.json, catalogue: .bundled, templates: templates, assets: assets.paths, publicURL: config.publicAddress),
            cursors: CursorSigner(secret: config.secret.reveal()), publicURL: config.publicURL, publicOrigin: config.publicOrigin)
    }

    init(templates: PageTemplates, assets: PageAssets, docs: DocsPages, cursors: CursorSigner, publicURL: String, publicOrigin: String) {
        self.templates = templates
        self.assets = assets
        self.docs = docs
        self.cursors = cursors
        self.publicURL = publicURL.hasSuffix("/") ? String(publicURL.dropLast()) : publicURL
        self.publicOrigin = publicOrigin
    }

    var routes: PageRoutes {
        var routes = PageRoutes()
        routes.get("/assets/{name}", for: .everybody) { [assets] in try assets.respond($0) }
        docs.add(to: &routes)
        get("/sign-in", &routes, for: .everybody, SignInPage.show)
        post("/sign-in", &routes, for: .everybody, SignInPage.signIn)
        post("/sign-out", &routes, for: .everybody, SignInPage.signOut)
        get("/register", &routes, for: .everybody, DoorPages.showRegistration)
        post("/register", &routes, for: .everybody, DoorPages.register)
        get("/verify", &routes, for: .everybody, DoorPages.showVerification)
        post("/verify", &routes, for: .everybody, DoorPages.verify)
        get("/forgot-password", &routes, for: .everybody, DoorPages.showForgotten)
        post("/forgot-password", &routes, for: .everybody, DoorPages.sendReset)
        get("/reset-password", &routes, for: .everybody, DoorPages.showReset)
        post("/reset-password", &routes, for: .everybody, DoorPages.reset)
        get("/confirm-email", &routes, for: .everybody, DoorPages.showNewAddress)
        post("/confirm-email", &routes, for: .everybody, DoorPages.confirmAddress)
        account(&routes)
        rules(&routes)
        judging(&routes)
        get("/", &routes, ProjectsPage.show)
        get("/projects/{project}", &routes, ProjectPage.show)
        get("/projects/{project}/tests", &routes, TestsPage.show)
        get("/projects/{project}/failures", &routes, TriagePage.show)
        post("/projects/{project}/failures/apply", &routes, TriagePage.apply)
        get("/projects/{project}/failures/{group}", &routes, FailureGroupPage.show)
        post("/projects/{project}/failures/{group}/decide", &routes, FailureGroupPage.decide)
        get("/projects/{project}/trends", &routes, TrendsPage.show)
        post("/projects/{project}/trends/changes/{change}/verdict", &routes, TrendsPage.decide)
        get("/projects/{project}/level-changes", &routes, LevelChangesPage.show)
        get("/level-changes/{change}/receipt", &routes, ReceiptPage.showLevelChange)
        get("/projects/{project}/compare", &routes, SetComparePage.show)
        get("/projects/{project}/flaky", &routes, FlakyPage.show)
        get("/projects/{project}/grid", &routes, GridPage.show)
        get("/projects/{project}/suites", &routes, SuitesPage.show)
        post("/projects/{project}/suites/{suite}/runs", &routes, SuitesPage.run)
        get("/projects/{project}/secrets", &routes, SecretsPage.show)
        post("/projects/{project}/secrets", &routes, SecretsPage.create)
        get("/projects/{project}/secrets/{secret}", &routes, SecretPage.show)
        post("/projects/{project}/secrets/{secret}", &routes, SecretPage.submit)
        get("/runs/{run}", &routes, RunPage.show)
        get("/runs/{run}/compare", &routes, ComparePage.show)
        get("/runs/{run}/logs", &routes, RunLogsPage.show)
        get("/projects/{project}/logs", &routes, LogPatternsPage.show)
        get("/projects/{project}/logs/{pattern}", &routes, LogPatternPage.show)
        get("/projects/{project}/logs/{pattern}/receipt", &routes, ReceiptPage.showLogPattern)
        post("/projects/{project}/logs/{pattern}/verdict", &routes, LogPatternPage.decide)
        post("/runs/{run}/cancel", &routes, RunPage.cancel)
        get("/results/{result}", &routes, ResultPage.show)
        post("/results/{result}/verdict", &routes, ResultPage.decide)
        get("/results/{result}/receipt", &routes, ReceiptPage.showResult)
        get("/tests/{test}/receipt", &routes, ReceiptPage.showTest)
        get("/tests/{test}", &routes, TestPage.show)
        post("/tests/{test}/verdict", &routes, TestPage.decide)
        post("/tests/{test}/retry-word", &routes, TestPage.say)
        post("/tests/{test}/changes/{change}/verdict", &routes, TestPage.decideChange)
        get("/deliveries", &routes, DeliveriesPage.show)
        get("/members", &routes, MembersPage.show)
        post("/members", &routes, MembersPage.invite)
        post("/members/{member}", &routes, MembersPage.change)
        post("/invitations/{invitation}", &routes, MembersPage.revoke)
        get("/invitation", &routes, for: .everybody, InvitationPage.show)
        post("/invitation", &routes, for: .everybody, InvitationPage.accept)
        get("/admin", &routes, AdminPage.show)
        post("/admin/organizations/{organization}", &routes, AdminPage.changeOrganization)
        post("/admin/users/{user}", &routes, AdminPage.changePerson)
        post("/admin/impersonations", &routes, AdminPage.impersonate)
        routes.problem = { fault, exchange in ProblemPage.response(fault, exchange, site: self) }
        return routes
    }

    private func account(_ routes: inout PageRoutes) {
        get("/account", &routes, AccountPage.show)
        post("/account/name", &routes, AccountPage.rename)
        post("/account/password", &routes, AccountPage.changePassword)
        post("/account/email", &routes, AccountPage.changeEmail)
        post("/account/second-factor", &routes, AccountPage.beginSecondFactor)
        post("/account/second-factor/confirm", &routes, AccountPage.confirmSecondFactor)
        post("/account/second-factor/remove", &routes, AccountPage.removeSecondFactor)
        post("/account/recovery-codes", &routes, AccountPage.renewRecoveryCodes)
        post("/account/sessions/end-all", &routes, AccountPage.endAll)
        post("/account/sessions/{session}/end", &routes, AccountPage.endSession)
    }

    private func rules(_ routes: inout PageRoutes) {
        get("/projects/{project}/rules", &routes, RulesPage.show)
        get("/projects/{project}/rules/new", &routes, RulePage.create)
        post("/projects/{project}/rules/new", &routes, RulePage.submit)
        get("/projects/{project}/rules/{rule}", &routes, RulePage.show)
        post("/projects/{project}/rules/{rule}", &routes, RulePage.submit)
        get("/projects/{project}/rules/editions", &routes, RuleEditionsPage.show)
        get("/projects/{project}/rules/editions/{edition}", &routes, RulesPage.showEdition)
        get("/projects/{project}/rules/judgings", &routes, JudgingsPage.show)
        post("/projects/{project}/rules/judgings", &routes, JudgingsPage.start)
        get("/projects/{project}/rules/lessons", &routes, LessonsPage.show)
        post("/projects/{project}/rules/lessons", &routes, LessonsPage.set)
    }

    private func judging(_ routes: inout PageRoutes) {
        get("/projects/{project}/quarantine", &routes, QuarantinePage.show)
        get("/projects/{project}/quarantine/{test}", &routes, QuarantinedTestPage.show)
        post("/projects/{project}/quarantine/{test}", &routes, QuarantinedTestPage.decide)
        get("/projects/{project}/retries", &routes, RetriesPage.show)
        post("/projects/{project}/retries", &routes, RetriesPage.set)
        get("/runs/{run}/retry-plan", &routes, RetryPlanPage.show)
        post("/runs/{run}/retry-plan/{test}/word", &routes, RetryPlanPage.say)
        get("/runs/{run}/retry-plans/{plan}", &routes, ReceiptPage.showRetryPlan)
        get("/runs/{run}/excuses/{excuse}", &routes, ReceiptPage.showExcuse)
        get("/projects/{project}/regressions", &routes, RegressionsPage.show)
        get("/projects/{project}/baselines", &routes, BaselinesPage.show)
        get("/projects/{project}/baselines/{baseline}", &routes, BaselineComparePage.show)
        post("/projects/{project}/baselines/settings", &routes, BaselinesPage.set)
        post("/projects/{project}/baselines/{baseline}/decide", &routes, BaselinesPage.decide)
        get("/runs/{run}/regressions", &routes, RunRegressionsPage.show)
        get("/runs/{run}/regressions/{test}", &routes, RegressionPage.show)
        post("/runs/{run}/regressions/{test}/verdict", &routes, RunRegressionsPage.decide)
        post("/runs/{run}/baseline", &routes, RunRegressionsPage.propose)
        get("/projects/{project}/incidents", &routes, IncidentsPage.show)
        post("/projects/{project}/incidents", &routes, IncidentsPage.declare)
        get("/projects/{project}/incidents/{incident}", &routes, IncidentPage.show)
        get("/projects/{project}/incidents/{incident}/receipt", &routes, ReceiptPage.showIncident)
        post("/projects/{project}/incidents/{incident}/dismiss", &routes, IncidentPage.dismiss)
        post("/projects/{project}/incidents/{incident}/reinstate", &routes, IncidentPage.reinstate)
    }

    private typealias Show = @Sendable (Visit) async throws -> Response

    private func get(_ path: String, _ routes: inout PageRoutes, for audience: PageRoutes.Audience = .signedIn, _ show: @escaping Show) {
        routes.get(path, for: audience) { try await show(Visit(site: self, context: $0)) }
    }

    private func post(_ path: String, _ routes: inout PageRoutes, for audience: PageRoutes.Audience = .signedIn, _ act: @escaping Show) {
        routes.post(path, for: audience) { try await act(Visit(site: self, context: $0)) }
    }
}
