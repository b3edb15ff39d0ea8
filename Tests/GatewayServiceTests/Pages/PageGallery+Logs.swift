import CommonAPI
import ExecutionAPI
import Foundation
import ProjectsAPI
import SwiftProtobuf
import ValidationAPI

@testable import GatewayService

/// The pages of what logs say.
extension PageGallery {
    var logs: [(name: String, html: String)] {
        let f = fixtures
        let run = f.runs.data[1]
        return [
            (
                "run-logs",
                html(
                    .runLogs, title: "Logs", crumbs: ProjectHead.crumbs(f.project, "Logs"),
                    RunLogsPage.View(
                        run, of: f.project.slug, found: .content(f.runLogs), filter: .init(level: "", onlyNew: false),
                        pager: Pager(first: nil, next: "/runs/run_1/logs?cursor=abc"), now: f.now))
            ),
            (
                "log-patterns",
                html(
                    .logPatterns, title: "Logs", crumbs: ProjectHead.crumbs(f.project, "Logs"),
                    LogPatternsPage.View(
                        project: f.project, found: .content(f.logPatterns), filter: .init(level: "ERROR", text: f.user("refused"), isByLines: true),
                        pager: nil, now: f.now))
            ),
            ("log-pattern", pattern(f.logPattern, LogVerdictPanel(f.logVerdict, of: f.project.slug, canWrite: true, now: f.now))),
        ]
    }

    private func pattern(_ history: PBLogPatternHistory, _ person: LogVerdictPanel? = nil) -> String {
        let f = fixtures
        let view = LogPatternPage.View(history, of: f.project.slug, rules: f.builtInRules, person: person, now: f.now)
        return html(
            .logPattern, title: view.title, crumbs: ProjectHead.crumbs(f.project, ("Logs", LogPatternsPage.path(f.project.slug)), view.title), view)
    }

    var logsBesides: [(name: String, html: String)] {
        let f = fixtures
        let crumbs = ProjectHead.crumbs(f.project, "Logs")
        func run(_ found: Panel<PBListRunLogPatternsResponse>, onlyNew: Bool = false) -> String {
            let filter = RunLogsPage.Filter(level: "", onlyNew: onlyNew)
            return html(
                .runLogs, title: "Logs", crumbs: crumbs,
                RunLogsPage.View(f.runs.data[1], of: nil, found: found, filter: filter, pager: nil, now: f.now))
        }
        func project(_ found: Panel<PBListLogPatternsResponse>) -> String {
            let filter = LogPatternsPage.Filter(level: "", text: "", isByLines: false)
            return html(
                .logPatterns, title: "Logs", crumbs: crumbs,
                LogPatternsPage.View(project: f.project, found: found, filter: filter, pager: nil, now: f.now))
        }
        return [
            ("run-logs-none", run(.content(.init()))), ("run-logs-away", run(.note("Log patterns cannot be shown."))),
            ("run-logs-narrow", run(.content(.with { ($0.logs.logs, $0.logs.lines) = (1, 5) }), onlyNew: true)),
            ("run-logs-part", run(.content(.with { ($0.logs.logs, $0.logs.comparedRuns, $0.logs.comparedInPart) = (1, 2, true) }))),
            ("log-pattern-bare", pattern(.with { $0.pattern = .with { $0.template = "starting" } })),
            (
                "log-pattern-own",
                pattern(f.ownLogPattern, LogVerdictPanel(.with { $0.pattern = "lpt_0" }, of: f.project.slug, canWrite: true, now: f.now))
            ),
            (
                "log-pattern-receipt",
                html(
                    .receipt, title: "Receipt", crumbs: crumbs,
                    ReceiptPage.View(
                        title: f.user("starting"), aboutPath: "/projects/checkout/logs/lpt_0", aboutLabel: "The log pattern",
                        sections: [
                            ReceiptPage.logPattern(f.logPattern.pattern, .content(.with { $0.agrees = false }), now: f.now),
                            ReceiptPage.logPattern(PBLogPattern(), .note("It was judged before."), now: f.now),
                        ]))
            ),
            ("log-patterns-empty", project(.content(.init()))), ("log-patterns-away", project(.note("Log patterns cannot be shown."))),
        ]
    }
}

/// What Validation would say of logs.
extension PageFixtures {
    var runLogs: PBListRunLogPatternsResponse {
        .with {
            $0.data = [PBLogLevel.Value.error, .warn, .info, .unknown].enumerated().map { index, level in
                .with {
                    $0.id = "lpt_\(index)"
                    $0.template = user("connection to <*> refused after <*>")
                    $0.level = level
                    if index == 0 { $0.category = .network }
                    $0.lines = Int64(12 << index)
                    $0.sample = user("10:00:00 ERROR connection to 10.0.0.7:5432 refused after 3 s")
                    $0.isNew = index < 2
                    $0.seenInRuns = Int64(index)
                    $0.known = index != 3
                }
            }
            $0.logs = .with {
                ($0.logs, $0.lines, $0.otherLines, $0.cutLogs, $0.unreadableLogs) = (3, 51_200, 17, 1, 1)
                ($0.comparedRuns, $0.comparedBranch, $0.recentRuns) = (20, user("main"), 20)
            }
        }
    }

    var logPatterns: PBListLogPatternsResponse {
        .with {
            $0.data = [PBLogLevel.Value.fatal, .debug, .trace, .unknown].enumerated().map { index, level in
                .with {
                    $0.id = "lpt_\(index)"
                    $0.template = user("connection to <*> refused after <*>")
                    $0.level = level
                    if index == 0 { $0.category = .network }
                    ($0.lines, $0.runs) = (1_280, 14)
                    $0.firstSeenAt = time(900_000)
                    $0.lastSeenAt = time(600)
                    $0.lastRun = "run_1"
                    $0.sample = user("10:00:00 ERROR connection to 10.0.0.7:5432 refused after 3 s")
                }
            }
        }
    }

    /// With a week in which it was not seen, and a template that is too long for a heading.
    var logPattern: PBLogPatternHistory {
        .with {
            $0.pattern = logPatterns.data[0]
            $0.pattern.level = .error
            $0.pattern.firstSeenAt = time(59 * 86_400)
            $0.pattern.receipt = .with {
                $0.category = .network
                $0.severity = .high
                $0.rule = "network.connection-refused"
                $0.evidence = user("connection to 10.0.0.7:5432 refused")
                $0.builtInEdition = 4
                $0.inputSha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
                $0.judgedAt = time(59 * 86_400)
            }
            $0.pattern.template = user("connection to <*> refused after <*>" + String(repeating: " by <*>", count: 40))
            $0.days = (0..<60).filter { !(20..<27).contains($0) }.map { ago in
                .with {
                    $0.day = OccurrenceChart.day(now.addingTimeInterval(Double(ago - 59) * 86_400))
                    $0.lines = Int64(1 + ago * 7 % 13)
                }
            }
            $0.recentRuns = (0..<4).map { index in
                .with {
                    $0.run = "run_01jnexample00000000000\(2000 + index)"
                    $0.startedAt = time(Double(index) * 40_000 + 600)
                    $0.branch = index == 3 ? "" : user("main")
                    $0.lines = Int64(9 << index)
                }
            }
        }
    }

    /// Judged by a rule of the project.
    var ownLogPattern: PBLogPatternHistory {
        .with {
            $0.pattern = logPattern.pattern
            $0.pattern.receipt.rule = "rul_01jnexample000000000000001"
            $0.pattern.receipt.projectEdition = 7
        }
    }

    /// What a person says of it.
    var logVerdict: PBLogPatternVerdict {
        .with {
            $0.pattern = "lpt_0"
            $0.category = .environment
            $0.reason = user("The sandbox restarts at night.")
            $0.decidedBy = "usr_01jd3v9k2m8q4r6s7t0w1x2y3a"
            $0.decidedAt = time(3_600)
            $0.version = 2
        }
    }
}
