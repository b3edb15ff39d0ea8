import AnalyticsAPI
import CommonAPI
import Configuration
import ExecutionAPI
import Foundation
import GatewayAPI
import HTTPTypes
import Logging
import NotificationsAPI
import Primitives
import ProjectsAPI
import SchedulingAPI
import ServiceKit
import SwiftProtobuf
import ValidationAPI

@testable import GatewayService

/// Every page of the site, rendered from fixtures. With `ASSAY_PAGE_GALLERY` naming a folder, the tests leave the pages there for looking at.
struct PageGallery: Sendable {
    let site: Site
    let fixtures: PageFixtures

    init(user: @escaping @Sendable (String) -> String = { $0 }) throws {
        site = try Self.site.get()
        fixtures = PageFixtures(user: user)
    }

    /// One for all tests, as a process has: it compiles every template and renders the whole reference, which takes longer than all other pages.
    private static let site = Result {
        let key = Data(repeating: 7, count: 32).base64EncodedString()
        let values = ["ASSAY_CALLER_KEY": key, "ASSAY_GATEWAY_SEALING_KEY": key]
        let reader = ConfigReader(provider: EnvironmentVariablesProvider(environmentVariables: values)).scoped(to: "assay")
        return try Site(config: GatewayConfig(reader), logger: Logger(label: "pages") { _ in SwiftLogNoOpLogHandler() })
    }

    /// Nothing that users choose is in it, and its QR code takes as long as ten pages.
    private static let authenticator = AccountView.Secret(
        text: "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", uri: "otpauth://totp/Assay:ann@example.com?secret=X")

    func html<View: Sendable>(
        _ name: PageName, title: String, crumbs: [PageFrame.Crumb] = [], scripts: [String] = [], isSignedIn: Bool = true, _ view: View
    ) -> String {
        let session =
            isSignedIn
            ? PageFrame.SessionBar(
                organization: fixtures.user("Acme GmbH"), formToken: "token", isProjects: name != .deliveries, isDeliveries: name == .deliveries,
                isMembers: name == .members, isAdmin: name == .admin, showsMembers: true, showsAdmin: true,
                banner: name == .members ? fixtures.user("You act in the place of usr_1.") : nil)
            : nil
        let frame = PageFrame(title: title, crumbs: crumbs, session: session, assets: site.assets.paths, scripts: scripts, nonce: "n0nce")
        return site.templates.html(name, frame: frame, view: view)
    }

    /// Name of the file and the page.
    func pages() -> [(name: String, html: String)] {
        let f = fixtures
        let crumbs = ProjectHead.crumbs(f.project, f.user("Nightly regression on the staging environment"))
        let pager = Pager(first: "/projects/checkout", next: "/projects/checkout?cursor=abc")
        let failed = f.runs.data[1]
        let running = f.runs.data[0]
        let noFilter = RunPage.Filter(outcome: nil, search: nil)
        let narrow = ["q": f.user("refused"), "branch": f.user("main"), "owner": f.user("payments"), "category": "NETWORK"]
        let trend = Panel.content(f.trend())
        let rows = f.projects.enumerated().map { index, project in
            ProjectsPage.Row(
                project, lastRun: .content(index < 3 ? f.runs.data[index + 1] : nil),
                trend: index == 2 ? .note("Trends cannot be shown.") : .content(f.trend(days: 14)),
                now: f.now)
        }
        return [
            (
                "sign-in",
                html(.signIn, title: "Sign in", isSignedIn: false, SignInPage.View(token: "t", returnTo: "/", refusal: "This key is not valid."))
            ),
            ("projects", html(.projects, title: "Projects", ProjectsPage.View(rows, pager: nil, origin: "http://127.0.0.1:8080"))),
            ("projects-empty", html(.projects, title: "Projects", ProjectsPage.View([], pager: nil, origin: "http://127.0.0.1:8080"))),
            (
                "project",
                html(
                    .project, title: f.project.name, crumbs: ProjectHead.crumbs(f.project),
                    scripts: [site.assets.paths.chart, site.assets.paths.trend].compactMap(\.self),
                    ProjectPage.View(
                        project: f.project, runs: .content(f.runs), trend: trend, filter: ProjectPage.Filter(state: "", branch: f.user("")),
                        pager: pager,
                        origin: "http://127.0.0.1:8080", now: f.now))
            ),
            (
                "project-empty",
                html(
                    .project, title: f.project.name, crumbs: ProjectHead.crumbs(f.project),
                    ProjectPage.View(
                        project: f.project, runs: .content(.init()), trend: .note("Trends cannot be shown right now."),
                        filter: ProjectPage.Filter(state: nil, branch: nil), pager: nil, origin: "http://127.0.0.1:8080", now: f.now))
            ),
            (
                "run",
                html(
                    .run, title: "Run", crumbs: crumbs,
                    RunView(
                        failed, validation: .content(f.validation), failures: .content(f.failures), results: .content(f.results),
                        artifacts: .content(f.artifacts),
                        excuse: RunExcuse(
                            .with {
                                $0.passedAgainTests = 2
                                $0.quarantinedTests = 1
                                $0.failingTests = 3
                            }), filter: noFilter, pager: pager,
                        proposal: BaselineProposal(failed), declarePath: IncidentForm.path(f.project, run: failed.id), now: f.now))
            ),
            (
                "run-live",
                html(
                    .run, title: "Run", crumbs: crumbs, scripts: [site.assets.paths.live],
                    RunView(
                        running, validation: .note("Failures are not there yet."), failures: .note("Failures are not there yet."),
                        results: .content(f.results),
                        filter: RunPage.Filter(outcome: "FAILED", search: f.user("basket")), pager: nil, now: f.now))
            ),
            (
                "compare",
                html(
                    .compare, title: "Comparison", crumbs: crumbs,
                    ComparePage.View(
                        failed, base: f.runs.data[2], bases: Array(f.runs.data.dropFirst(2)), comparison: .content(f.comparison), kind: "",
                        project: "checkout", pager: pager, now: f.now))
            ),
            (
                "compare-alone",
                html(
                    .compare, title: "Comparison", crumbs: crumbs,
                    ComparePage.View(failed, base: nil, bases: [], comparison: nil, kind: "FIXED", pager: nil, now: f.now))
            ),
            (
                "result",
                html(
                    .result, title: "Result", crumbs: crumbs,
                    ResultPage.View(
                        f.results.data[0], failure: .content(f.failures.data[0]), rules: [], history: .content(f.history.data),
                        artifacts: .content(f.artifacts),
                        context: .init(
                            run: f.runs.data[1], project: f.project, group: f.failureGroups[1], stability: f.flakyVerdict,
                            person: FailureVerdictPanel(f.failureVerdict, beside: f.failureVerdict.result, canWrite: true, now: f.now),
                            said: WordsPanel(.content(f.failureWords), ofResult: "res_1", now: f.now)), now: f.now))
            ),
            (
                "receipt",
                html(
                    .receipt, title: "Receipt", crumbs: crumbs,
                    ReceiptPage.View(
                        title: f.results.data[0].name, aboutPath: "/results/res_1", aboutLabel: "The failure",
                        sections: ReceiptPage.state(.content(f.groupReplay), now: f.now) + [
                            ReceiptPage.category(f.ruleReceipt, .content(f.replay), now: f.now),
                            ReceiptPage.category(f.receipt, .note("What it saw was not kept."), now: f.now),
                            ReceiptPage.group(.content(f.groupReplay)), ReceiptPage.stability(.note("It was judged before receipts were kept.")),
                            ReceiptPage.incident(f.incidents.data[0].evidence, .content(PBEnvironmentReplay()), now: f.now),
                        ]))
            ),
            (
                "result-http",
                html(
                    .result, title: "Result", crumbs: crumbs,
                    ResultPage.View(
                        f.httpResult, failure: .content(f.failures.data[3]), rules: [], history: .content(f.history.data),
                        context: .init(receipt: f.receipt), now: f.now))
            ),
            (
                "test",
                html(
                    .test, title: "Test", crumbs: crumbs,
                    TestPage.View(
                        f.test, history: .content(f.history), stability: .content(f.stability),
                        person: TestVerdictPanel(f.personsVerdict, canWrite: true, now: f.now),
                        said: WordsPanel(.content(f.testWords), ofTest: "tst_1", now: f.now),
                        retries: RetryWordPanel(.content(f.retryWords.data[0]), on: "tst_1", canSay: true, attempt: unsaid, now: f.now),
                        retryWords: WordsPanel(.content(f.retryWords), ofRetrying: "tst_1", in: f.project.id, now: f.now), pager: pager,
                        quarantine: QuarantineNote(f.quarantines.data[0], of: "tst_1", in: f.project, canWrite: true),
                        trend: TestTrendPanel(
                            .content(f.testTrend), durations: .content(f.testDurations), of: "tst_1", filter: .init(period: "WEEK"),
                            canJudge: true,
                            attempt: TrendChangeRow.Attempt(
                                change: "tch_5", fields: ["note": f.user("a slow runner"), "version": "1"],
                                fault: .invalidField("/note", "invalid", f.user("A note has at most 1000 characters."))), now: f.now),
                        now: f.now))
            ),
            (
                "tests",
                html(
                    .tests, title: "Tests", crumbs: crumbs,
                    TestsPage.View(
                        project: f.project, tests: .content(.with { $0.data = [f.test, f.test] }),
                        filter: TestsPage.Filter(kind: "BROKEN", q: f.user("pays")), pager: pager, now: f.now))
            ),
            (
                "triage",
                html(
                    .triage, title: "Failures", crumbs: crumbs, scripts: [site.assets.paths.triage],
                    TriagePage.View(
                        project: f.project, groups: .content(.with { $0.data = f.failureGroups }),
                        filter: TriagePage.Filter { narrow[$0] }, canDecide: true, done: "3 groups changed.", refusal: f.user("No."), pager: pager,
                        now: f.now))
            ),
            (
                "triage-empty",
                html(
                    .triage, title: "Failures", crumbs: crumbs,
                    TriagePage.View(
                        project: f.project, groups: .content(.init()), filter: TriagePage.Filter { _ in nil }, canDecide: false, done: nil,
                        refusal: nil, pager: nil, now: f.now))
            ),
            (
                "failure-group",
                html(
                    .failureGroup, title: "Failure group", crumbs: crumbs, scripts: [site.assets.paths.triage],
                    FailureGroupPage.View(
                        f.failureGroups[2], project: "checkout", parts: f.groupParts, canDecide: true, refusal: nil, pager: pager, now: f.now))
            ),
            (
                "trends",
                html(
                    .trends, title: "Trends", crumbs: crumbs,
                    TrendsPage.View(
                        project: f.project, filter: TrendsPage.Filter(days: "90", period: "WEEK", by: nil, value: f.user("checkout")),
                        trend: .content(f.timedTrend), values: .content(f.trendValues), changes: .content(f.trendChanges),
                        tests: .content(f.testChanges), score: .content(f.qualityScore),
                        weights: QualityWeights([("flaky", "40"), ("failing", "x")]), canJudge: true,
                        attempt: TrendChangeRow.Attempt(
                            change: "tch_2", fields: ["note": f.user("a holiday"), "version": "1"],
                            fault: .invalidField("/note", "invalid", f.user("A note has at most 1000 characters."))), now: f.now))
            ),
            (
                "set-comparison",
                html(
                    .setComparison, title: "Comparison", crumbs: crumbs,
                    SetCompareView(
                        project: f.project,
                        filter: SetComparePage.Filter { ["branch": f.user("topic"), "base_branch": "main", "base_weeks_ago": "1"][$0] },
                        branches: ["main", f.user("topic")], environments: [f.user("staging")], comparison: .content(f.setComparison), pager: pager))
            ),
            (
                "set-comparison-empty",
                html(
                    .setComparison, title: "Comparison", crumbs: crumbs,
                    SetCompareView(
                        project: f.project, filter: SetComparePage.Filter { _ in nil }, branches: [], environments: [], comparison: nil, pager: nil))
            ),
            (
                "flaky",
                html(
                    .flaky, title: "Flaky tests", crumbs: crumbs,
                    FlakyPage.View(
                        project: f.project, tests: .content(f.flaky), q: f.user("pays"), canQuarantine: true, pager: pager, now: f.now))
            ),
            (
                "grid",
                html(
                    .grid, title: "History", crumbs: crumbs, scripts: [site.assets.paths.grid],
                    GridPage.View(
                        project: f.project, grid: .content(f.grid), filter: GridPage.Filter(branch: f.user("main"), q: f.user("pays")), pager: pager,
                        now: f.now))
            ),
            (
                "grid-empty",
                html(
                    .grid, title: "History", crumbs: crumbs,
                    GridPage.View(
                        project: f.project, grid: .content(.init()), filter: GridPage.Filter(branch: nil, q: nil), pager: nil, now: f.now))
            ),
            (
                "suites",
                html(
                    .suites, title: "Suites", crumbs: crumbs,
                    SuitesView(
                        project: f.project, suites: .content(f.suites), cases: [f.suites.data[0].id: .content(f.cases)],
                        schedules: .content(f.schedules), pager: nil,
                        now: f.now))
            ),
            (
                "deliveries",
                html(
                    .deliveries, title: "Deliveries",
                    DeliveriesPage.View(f.deliveries, channels: .content(f.channels), state: .unspecified, pager: pager, now: f.now))
            ),
            (
                "door",
                html(
                    .door, title: "Register", isSignedIn: false,
                    OpenForm.View(
                        title: "Register", intro: "A link is sent to your address.", refusal: "The password is too short.", action: "/register",
                        fields: [
                            .init(name: "name", label: "Your name", type: "text", autocomplete: "name", value: f.user("Ann")),
                            .init(
                                name: "password", label: "Password", type: "password", autocomplete: "new-password", hint: "At least 15 characters."),
                        ], hidden: [.init(name: "token", value: f.user("t"))], button: "Register", links: [.init(label: "Sign in", path: "/sign-in")],
                        token: "t"))
            ),
            ("account", html(.account, title: "Account", f.account())),
            (
                "account-second-factor",
                html(
                    .account, title: "Account", f.account(.init(secret: Self.authenticator)))
            ),
            (
                "account-codes",
                html(.account, title: "Account", f.account(.init(notice: "It is on.", recoveryCodes: ["abcde-fghjk", "mnpqr-stuvw"]), isOn: true))
            ),
            (
                "members",
                html(
                    .members, title: "Members",
                    MembersPage.View(
                        f.members, roles: f.roles, invitations: .content(f.invitations), canWrite: true, search: f.user("a"), pager: pager,
                        invited: .init(email: f.user("new@example.com"), url: "http://127.0.0.1:8080/invitation?token=abc"),
                        refusal: f.user("You lack keys.write."), own: f.members.data[0].id, now: f.now))
            ),
            (
                "invitation",
                html(
                    .invitation, title: "Invitation", isSignedIn: false,
                    InvitationPage.View(token: "abc", name: f.user("Ada"), refusal: f.user("This invitation is over."), accepted: nil))
            ),
            (
                "invitation-accepted",
                html(
                    .invitation, title: "Invitation", isSignedIn: false,
                    InvitationPage.View(
                        token: "", name: "", refusal: nil, accepted: .init(organization: f.user("Acme GmbH"), isNew: true)))
            ),
            (
                "admin",
                html(
                    .admin, title: "Administration",
                    AdminPage.View(
                        search: f.user("acme"), organizations: .content(f.organizations), people: .content(f.people), person: f.people[0],
                        refusal: f.user("reason must have 1 to 500 characters."), now: f.now))
            ),
            (
                "problem",
                html(
                    .problem, title: "There is nothing here",
                    ProblemPage.view(Fault.notFound("run", f.user("run_42")), .notFound, "req_0af7651916cd43dd8448eb211c80319c"))
            ),
        ] + further
    }

    private var further: [(name: String, html: String)] { judging + secrets + levels }
}
