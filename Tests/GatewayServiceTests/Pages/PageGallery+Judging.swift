import AnalyticsAPI
import CommonAPI
import ExecutionAPI
import Foundation
import Primitives
import ProjectsAPI
import SwiftProtobuf
import ValidationAPI

@testable import GatewayService

/// The pages on which people say how failures are judged.
extension PageGallery {
    var judging: [(name: String, html: String)] {
        rules + quarantine + baselines + environment + logs + [
            retries(canSet: true), retryPlan("retry-plan", .content(fixtures.retryPlan), canSay: true),
        ]
    }

    private func retries(canSet: Bool) -> (name: String, html: String) {
        let f = fixtures
        let policy = PBRetryPolicy.with {
            $0.maxAttempts = 3
            $0.maxFailingTests = 30
            $0.minutesPerDay = 1_000
            $0.spentMinutes = 4.5
            if canSet { $0.updatedAt = f.time(90_000) }
        }
        let attempt = RetriesPage.Attempt(
            fields: ["max_attempts": f.user("eleven")], fault: .invalidField("/max_attempts", "invalid", f.user("Write a whole number.")))
        return (
            canSet ? "retries" : "retries-read",
            html(
                .retries, title: "Retries", crumbs: crumbs,
                RetriesPage.View(
                    project: f.project, policy: .content(policy), canSet: canSet, attempt: canSet ? attempt : nil, now: f.now))
        )
    }

    private func retryPlan(_ name: String, _ plan: Panel<PBRetryPlan>, canSay: Bool = false) -> (name: String, html: String) {
        let f = fixtures
        return (
            name,
            html(
                .retryPlan, title: "Retries", crumbs: crumbs,
                RetryPlanPage.View(
                    f.runs.data[1], of: f.project, plan: plan, kept: canSay ? .content(f.keptRetryPlans) : .note("Not now."),
                    excuses: canSay ? .content(f.excuses) : .note("Nor these."), canSay: canSay, attempt: canSay ? unsaid : nil, now: f.now))
        )
    }

    /// A word on trying a test again that was not taken.
    var unsaid: RetryWordForm.Attempt {
        RetryWordForm.Attempt(
            test: fixtures.test.id, fields: ["kind": "never", "note": fixtures.user("slow")],
            fault: .invalidField("/note", "invalid", fixtures.user("A note has 1 to 1000 characters.")))
    }

    /// The same pages with nothing on them, or for who may only look: no text of users is there that the others do not show.
    var besides: [(name: String, html: String)] {
        let f = fixtures
        let rule = f.rules.data[2]
        let run = f.runs.data[1]
        return [
            retries(canSet: false),
            retryPlan("retry-plan-empty", .content(.init())), retryPlan("retry-plan-lacking", .note("The plan cannot be shown right now.")),
            regression("regression-unsaid", .content(.init())),
            regression("regression-lacking", .note("What people said cannot be shown right now.")),
            (
                "rules-empty",
                html(
                    .rules, title: "Rules", crumbs: crumbs,
                    RulesPage.View(project: f.project, rules: .content(.init()), builtIn: .content(f.builtInRules), canWrite: true, now: f.now))
            ),
            (
                "rules-past",
                html(
                    .rules, title: "Rules", crumbs: crumbs,
                    RulesPage.View(
                        project: f.project, rules: .content(f.rules), builtIn: .content([]), past: 13, canWrite: false, now: f.now))
            ),
            (
                "rule-read",
                html(
                    .rule, title: "Rule", crumbs: crumbs,
                    RulePage.View(
                        rule, of: f.project, form: RuleForm(RuleForm.draft(rule), version: 14), showsSaved: false, test: nil, canWrite: false,
                        now: f.now))
            ),
            (
                "lessons-empty",
                html(
                    .lessons, title: "Lessons", crumbs: crumbs,
                    LessonsPage.View(
                        project: f.project, lessons: .content(.init()), learning: f.learning, canSet: false, refusal: nil, pager: nil, now: f.now))
            ),
            (
                "judgings-empty",
                html(
                    .judgings, title: "Judging again", crumbs: crumbs,
                    JudgingsPage.View(
                        project: f.project, judgings: .content(.init()), mayStart: true, refusal: nil, pager: nil, now: f.now))
            ),
            (
                "quarantine-empty",
                html(
                    .quarantine, title: "Quarantine", crumbs: crumbs,
                    QuarantinePage.View(
                        project: f.project, quarantines: .content(.init()), filter: .init(state: nil, owner: nil), canWrite: true, pager: nil,
                        now: f.now))
            ),
            (
                "quarantined-test-new",
                html(
                    .quarantinedTest, title: "Quarantine", crumbs: crumbs,
                    QuarantinedTestPage.View(
                        f.test, of: f.project, standing: nil, all: .content(.init()),
                        form: QuarantineForm(nil, written: ["owner": f.user("@acme/shop")], now: f.now), canWrite: true, pager: nil, now: f.now))
            ),
            (
                "baselines-empty",
                html(
                    .baselines, title: "Baselines", crumbs: crumbs,
                    BaselinesPage.View(
                        project: f.project, baselines: .content(.init()), settings: PBBaselineSettings(), filter: .init(), canDecide: false,
                        canSet: false,
                        attempt: nil, pager: nil, now: f.now))
            ),
            (
                "regressions-empty",
                html(
                    .regressions, title: "Regressions", crumbs: crumbs,
                    RegressionsPage.View(project: f.project, states: .content(.init()), pager: nil, now: f.now))
            ),
            (
                "run-regressions-none",
                html(
                    .runRegressions, title: "Regressions", crumbs: crumbs,
                    RunRegressionsPage.View(
                        run, project: f.project, found: .note("No."), lacksBaseline: true,
                        filter: RegressionFilter(run: run.id),
                        proposal: BaselineProposal(run), pager: nil, now: f.now))
            ),
            (
                "run-regressions-narrow",
                html(
                    .runRegressions, title: "Regressions", crumbs: crumbs,
                    RunRegressionsPage.View(
                        run, project: f.project, found: .content(.with { $0.summary.regressed = 2 }), lacksBaseline: false,
                        filter: RegressionFilter(run: run.id, show: "hide"), proposal: nil, pager: nil, now: f.now))
            ),
            (
                "baseline-comparison-none",
                html(
                    .baselineComparison, title: "Baselines", crumbs: crumbs,
                    BaselineComparePage.View(
                        f.baselines.data[0], of: f.project, base: nil, bases: [], comparison: nil, kind: "", pager: nil))
            ),
            (
                "incidents-empty",
                html(
                    .incidents, title: "Environment", crumbs: crumbs,
                    IncidentsPage.View(project: f.project, incidents: .content(.init()), state: "", pager: nil, now: f.now))
            ),
        ] + secretsBesides + logsBesides + levelsBesides
    }

    private var crumbs: [PageFrame.Crumb] {
        ProjectHead.crumbs(fixtures.project, ("Rules", "/projects/checkout/rules"), fixtures.user("Payment sandbox"))
    }
    private var pager: Pager? { Pager(first: "/projects/checkout", next: "/projects/checkout?cursor=abc") }

    private var rules: [(name: String, html: String)] {
        let f = fixtures
        let rule = f.rules.data[2]
        let wrong = Fault(
            .invalid, "request.invalid", "No.",
            fields: [.init("/draft/name", "taken", f.user("Choose another.")), .init("/draft/pattern", "invalid_pattern", f.user("At byte 4: no."))])
        return [
            (
                "rules",
                html(
                    .rules, title: "Rules", crumbs: crumbs,
                    RulesPage.View(project: f.project, rules: .content(f.rules), builtIn: .content(f.builtInRules), canWrite: true, now: f.now))
            ),
            (
                "rule",
                html(
                    .rule, title: "Rule", crumbs: crumbs,
                    RulePage.View(
                        rule, of: f.project, form: RuleForm(RuleForm.draft(rule), version: 14), showsSaved: false, test: f.ruleTest, canWrite: true,
                        now: f.now))
            ),
            (
                "rule-refused",
                html(
                    .rule, title: "Rule", crumbs: crumbs,
                    RulePage.View(
                        rule, of: f.project,
                        form: RuleForm(RuleForm.draft(rule), version: 14, refusal: FormRefusal(wrong, fields: RuleForm.fields)), showsSaved: true,
                        test: nil, canWrite: true, now: f.now))
            ),
            (
                "rule-new",
                html(
                    .rule, title: "New rule", crumbs: crumbs,
                    RulePage.View(
                        nil, of: f.project, form: RuleForm(RuleForm.blank, version: 0, refusal: FormRefusal(.versionStale, fields: [])),
                        showsSaved: false, test: PBRuleTest(), canWrite: true, now: f.now))
            ),
            (
                "rule-editions",
                html(
                    .ruleEditions, title: "History of the rules", crumbs: crumbs,
                    RuleEditionsPage.View(project: f.project, editions: .content(f.ruleEditions), pager: pager, now: f.now))
            ),
            (
                "lessons",
                html(
                    .lessons, title: "Lessons", crumbs: crumbs,
                    LessonsPage.View(
                        project: f.project, lessons: .content(f.lessons), learning: f.learning, canSet: true,
                        refusal: f.user("Somebody was quicker."), pager: pager, now: f.now))
            ),
            (
                "judgings",
                html(
                    .judgings, title: "Judging again", crumbs: crumbs,
                    JudgingsPage.View(
                        project: f.project, judgings: .content(f.judgings), mayStart: true, refusal: f.user("One is under way."), pager: pager,
                        now: f.now))
            ),
        ]
    }

    private var quarantine: [(name: String, html: String)] {
        let f = fixtures
        let wrong = Fault.invalidField("/expires_at", "out_of_range", f.user("A quarantine ends in the future, at most 90 days ahead."))
        let standing = f.quarantines.data[1]
        return [
            (
                "quarantine",
                html(
                    .quarantine, title: "Quarantine", crumbs: crumbs,
                    QuarantinePage.View(
                        project: f.project, quarantines: .content(f.quarantines), filter: .init(state: nil, owner: f.user("@acme/shop")),
                        canWrite: true, pager: pager, now: f.now))
            ),
            (
                "quarantined-test",
                html(
                    .quarantinedTest, title: "Quarantine", crumbs: crumbs,
                    QuarantinedTestPage.View(
                        f.test, of: f.project, standing: standing, all: .content(f.quarantines),
                        form: QuarantineForm(standing, refusal: FormRefusal(wrong, fields: QuarantineForm.fields), now: f.now), canWrite: true,
                        versions: .content(f.quarantineVersions), pager: pager, now: f.now))
            ),
        ]
    }

    private var baselines: [(name: String, html: String)] {
        let f = fixtures
        let run = f.runs.data[1]
        let own = Fault(.forbidden, "baselines.own_proposal", f.user("It is your own proposal; somebody else has to approve it."))
        let settings = PBBaselineSettings.with {
            $0.twoPersons = true
            $0.version = 2
        }
        return [
            (
                "baselines",
                html(
                    .baselines, title: "Baselines", crumbs: crumbs,
                    BaselinesPage.View(
                        project: f.project, baselines: .content(f.baselines), settings: settings, filter: .init(branch: f.user("main")),
                        canDecide: true,
                        canSet: true, attempt: .init(baseline: "bsl_0", note: f.user("looked at"), refusal: own), pager: pager, now: f.now))
            ),
            (
                "baseline-comparison",
                html(
                    .baselineComparison, title: "Baselines", crumbs: crumbs,
                    BaselineComparePage.View(
                        f.baselines.data[0], of: f.project, base: f.baselines.data[1], bases: Array(f.baselines.data.dropFirst()),
                        comparison: .content(f.comparison), kind: "FIXED", pager: pager))
            ),
            (
                "regressions",
                html(
                    .regressions, title: "Regressions", crumbs: crumbs,
                    RegressionsPage.View(project: f.project, states: .content(f.regressionStates), pager: pager, now: f.now))
            ),
            (
                "run-regressions",
                html(
                    .runRegressions, title: "Regressions", crumbs: crumbs,
                    RunRegressionsPage.View(
                        run, project: f.project, found: .content(f.regressions), lacksBaseline: false,
                        filter: RegressionFilter(run: run.id, branch: f.user("main"), show: "hide"), others: f.baselines.data,
                        replay: .content(.with { $0.summary.regressed = 3 }), canTriage: true,
                        attempt: .init(
                            test: f.test.id, fields: ["reason": f.user("meant"), "kind": "regression"],
                            fault: .invalidField("/reason", "invalid", f.user("A reason has 1 to 1000 characters."))),
                        proposal: BaselineProposal(run, note: f.user("4.2"), refusal: own), pager: pager, now: f.now))
            ),
            regression("regression", .content(f.regressionWords)),
        ]
    }

    private func regression(_ name: String, _ said: Panel<PBListRegressionVerdictsResponse>) -> (name: String, html: String) {
        let f = fixtures
        let run = f.runs.data[1]
        let filter = RegressionFilter(run: run.id, branch: f.user("main"))
        return (
            name,
            html(
                .regression, title: "Regression", crumbs: crumbs,
                RegressionPage.View(
                    "tst_1", f.test, in: run, of: filter,
                    said: WordsPanel(said, ofTest: "tst_1", in: run.id, against: "bsl_1", now: f.now)))
        )
    }

    private var environment: [(name: String, html: String)] {
        let f = fixtures
        return [
            (
                "incidents",
                html(
                    .incidents, title: "Environment", crumbs: crumbs,
                    IncidentsPage.View(
                        project: f.project, incidents: .content(f.incidents), state: "",
                        form: IncidentForm(
                            f.project, written: ["kind": "HOST", "place": f.user("runner-7"), "reason": f.user("Disk full")],
                            refusal: FormRefusal(.invalidField("/place", "invalid", f.user("No such.")), fields: IncidentForm.fields)), pager: pager,
                        now: f.now))
            ),
            (
                "incident",
                html(
                    .incident, title: "Incident", crumbs: crumbs,
                    IncidentPage.View(
                        f.incidents.data[0], of: f.project, failures: .content(f.environmentFailures), said: .content(.init()),
                        mayDecide: true, reason: f.user("Ours"),
                        refusal: FormRefusal(.invalidField("/reason", "invalid", f.user("Too long.")), fields: ["reason"]), pager: pager, now: f.now))
            ),
            (
                "incident-declared",
                html(
                    .incident, title: "Incident", crumbs: crumbs,
                    IncidentPage.View(
                        f.declaredIncident, of: f.project, failures: .content(f.environmentFailures), said: .content(f.environmentVerdicts),
                        mayDecide: true, pager: nil, now: f.now))
            ),
            (
                "incident-dismissed",
                html(
                    .incident, title: "Incident", crumbs: crumbs,
                    IncidentPage.View(
                        f.incidents.data[1], of: f.project, failures: .content(.init()), said: .content(f.environmentVerdicts),
                        mayDecide: true, pager: nil, now: f.now))
            ),
        ]
    }
}
