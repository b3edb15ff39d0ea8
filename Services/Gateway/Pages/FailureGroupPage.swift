import AnalyticsAPI
import CommonAPI
import ExecutionAPI
import Foundation
import GRPCCore
import Hummingbird
import Primitives
import ProjectsAPI
import SwiftProtobuf
import ValidationAPI

/// One group of failures: since when, how often, in which tests, why they are one group, and what somebody decided about it.
enum FailureGroupPage {
    static let failureLimit: Int32 = 25
    static let testLimit: Int32 = 50
    static let mergeLimit: Int32 = 50
    static let signatureLimit: Int32 = 100
    static let decisionLimit: Int32 = 20
    static let days: Int32 = 30
    /// Tests whose verdict is asked for.
    static let verdictLimit = 20
    /// Groups that are offered to be joined with this one, those that were seen last.
    static let otherLimit: Int32 = 100

    // MARK: - Showing

    static func show(_ visit: Visit) async throws -> Response { try await page(visit) }

    private static func page(_ visit: Visit, refusal: Fault? = nil, done: String? = nil) async throws -> Response {
        let id = try visit.context.parameter("group")
        // What answers a form is no page of the list.
        let isList = refusal == nil && done == nil
        let cursor = isList ? try visit.cursor(filter: []) : ""
        let offer = try Offer(visit, isFirst: !isList)
        let back = try visit.context.query("back").map { ReturnPath($0).text }
        let (project, view) = try await visit.asking {
            let project = try await ProjectHead.project(visit)
            let groups = PBFailureGroups.Client(wrapping: visit.upstream("validation"))
            let group = try await groups.getFailureGroup(
                .with {
                    $0.project = project.id
                    $0.group = id
                })
            async let failures = Panel.load("Failures") {
                try await groups.listGroupFailures(
                    .with {
                        $0.project = project.id
                        $0.group = group.id
                        $0.limit = failureLimit
                        $0.cursor = cursor
                    })
            }
            async let tests = Panel.load("Tests") {
                try await groups.listGroupTests(
                    .with {
                        $0.project = project.id
                        $0.group = group.id
                        $0.limit = testLimit
                    })
            }
            async let merges = Panel.load("Merges") {
                try await groups.listGroupMerges(
                    .with {
                        $0.project = project.id
                        $0.group = group.id
                        $0.limit = mergeLimit
                    })
            }
            async let occurrences = Panel.load("Occurrences") {
                try await groups.getGroupOccurrences(
                    .with {
                        $0.project = project.id
                        $0.group = group.id
                        $0.days = days
                    })
            }
            async let signatures = Panel.load("Signatures") {
                try await groups.listGroupSignatures(
                    .with {
                        $0.project = project.id
                        $0.group = group.id
                        $0.limit = signatureLimit
                        $0.cursor = offer.signatureCursor
                    })
            }
            async let decisions = Panel.load("What people decided") {
                try await PBFailureTriage.Client(wrapping: visit.upstream("validation")).listGroupingDecisions(
                    .with {
                        $0.project = project.id
                        $0.group = group.id
                        $0.limit = decisionLimit
                    })
            }
            async let latest = Panel.load("The latest failure") {
                try await PBResults.Client(wrapping: visit.upstream("execution")).getResult(.with { $0.result = group.lastSeen.result })
            }
            async let receipt = Self.receipt(visit, of: group.lastSeen.result)
            async let others = Self.others(visit, project: project, offer)
            async let word = Panel.load("What people say of it") {
                try await PBVerdicts.Client(wrapping: visit.upstream("validation")).getVerdict(
                    .with {
                        // The word that decides, or where there is none, the one that is said next.
                        $0.result = group.verdictResult.nonEmpty ?? group.lastSeen.result
                    })
            }
            let listed = await tests
            let verdicts = await Self.verdicts(visit, on: listed.content?.data.prefix(verdictLimit).map(\.test) ?? [])
            let joinable = await others
            let parts = Parts(
                failures: await failures, tests: listed, merges: await merges, occurrences: await occurrences, signatures: await signatures,
                decisions: await decisions, latest: await latest, verdicts: verdicts, word: await word, others: joinable.data, receipt: await receipt)
            let offered = try offer.shown(
                visit, signatures: parts.signatures.content?.page.nextCursor ?? "", groups: joinable.page.nextCursor)
            let next = isList ? parts.failures.content?.page.nextCursor ?? "" : ""
            let view = View(
                group, project: project.slug, parts: parts, canDecide: visit.may(TriagePage.permission, in: project), refusal: refusal?.pageDetail,
                done: done, back: back, offered: isList ? offered : Offered(),
                pager: try visit.pager(next: next, filter: [], fragment: "failures"), now: visit.now)
            return (project, view)
        }
        let crumbs = [
            PageFrame.Crumb("Projects", "/"), PageFrame.Crumb(project.name, PageAddress.project(project.slug)),
            PageFrame.Crumb("Failures", TriagePage.path(project.slug)), PageFrame.Crumb(view.title.shortened(to: 80)),
        ]
        let status = refusal.map { Problem.status(of: $0) } ?? .ok
        return visit.page(.failureGroup, view.title, crumbs: crumbs, scripts: [visit.site.assets.paths.triage], status: status, view)
    }

    /// Why a failure is what the machine says, as far as it can be had.
    static func receipt(_ visit: Visit, of result: String) async -> PBReceipt? {
        await Panel.load("The receipt") {
            try await PBVerdicts.Client(wrapping: visit.upstream("validation")).getReceipt(.with { $0.result = result })
        }.content
    }

    /// What is thought of each test, as far as it can be had.
    private static func verdicts(_ visit: Visit, on tests: [String]) async -> [String: PBStability] {
        let client = PBTests.Client(wrapping: visit.upstream("analytics"))
        return await withTaskGroup(of: PBTest?.self) { group in
            for test in tests { group.addTask { try? await client.getTest(.with { $0.test = test }) } }
            return await group.reduce(into: [:]) { known, test in
                if let test, test.hasStability { known[test.id] = test.stability }
            }
        }
    }

    // MARK: - Deciding

    static func decide(_ visit: Visit) async throws -> Response {
        // A split names each signature that is taken out.
        let pairs = try await visit.formPairs()
        let fields = Visit.unique(pairs)
        var id = try visit.context.parameter("group")
        var done: String?
        do {
            let project = try await visit.asking {
                let project = try await ProjectHead.project(visit)
                let triage = PBFailureTriage.Client(wrapping: visit.upstream("validation"))
                switch fields["action"] {
                case "resolve":
                    _ = try await triage.resolveFailureGroup(
                        .with {
                            $0.project = project.id
                            $0.group = id
                            $0.commitSha = String((fields["commit"] ?? "").trimmed)
                            $0.branch = String((fields["mended_on"] ?? "").trimmed)
                        })
                case "reopen":
                    _ = try await triage.reopenFailureGroup(
                        .with {
                            $0.project = project.id
                            $0.group = id
                        })
                case "split":
                    // Where the signatures went is what people want to see now.
                    id = try await triage.splitFailureGroup(
                        .with {
                            $0.project = project.id
                            $0.group = id
                            $0.signatures = pairs.filter { $0.name == "signature" }.map(\.value)
                            $0.note = (fields["note"] ?? "").trimmed.shortened(to: 500)
                        }
                    ).id
                case "cut":
                    _ = try await triage.cutFailureGroup(
                        .with {
                            $0.project = project.id
                            $0.group = id
                            $0.text = String((fields["text"] ?? "").trimmed)
                            $0.signature = fields["signature"] ?? ""
                            $0.note = (fields["note"] ?? "").trimmed.shortened(to: 500)
                        })
                    done = "From now on failures that contain the text are a group of their own. Those that are there are moved one after the other."
                case "merge":
                    id = try await triage.mergeFailureGroups(
                        .with {
                            $0.project = project.id
                            $0.group = id
                            $0.groups = [fields["other"] ?? ""]
                            $0.note = (fields["note"] ?? "").trimmed.shortened(to: 500)
                        }
                    ).id
                case "file", "give_back": done = try await file(visit, fields, group: id, of: project.id)
                default:
                    _ = try await triage.assignFailureGroup(
                        .with {
                            $0.project = project.id
                            $0.group = id
                            $0.owner = String((fields["assignee"] ?? "").trimmed)
                        })
                }
                return project
            }
            if let done { return try await page(visit, done: done) }
            // Back to the list as it was narrowed, at the place of what was decided: the next one stands there now.
            if let back = fields["back"] { return visit.redirect(to: ReturnPath(back).text + "#row-\(fields["row"].flatMap { Int($0) } ?? 0)") }
            return visit.redirect(to: TriagePage.path(project.slug) + "/" + PercentEncoding.encode(id))
        } catch let fault as Fault where fault.isRefusal {
            return try await page(visit, refusal: fault)
        }
    }
}
