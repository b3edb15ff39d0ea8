import AnalyticsAPI
import CommonAPI
import Foundation
import GRPCCore
import Hummingbird
import Primitives
import ProjectsAPI
import ServiceKit
import SwiftProtobuf

/// One test and its quarantine: to put it in, renew, change or lift it, and when it was in before.
enum QuarantinedTestPage {
    static let limit: Int32 = 25

    struct View: Sendable {
        let name: String
        let place: String?
        let testPath: String
        let path: String
        let canWrite: Bool
        let form: QuarantineForm
        let standing: Standing?
        let isExpired: Bool
        let pastNote: String?
        let past: [Past]
        let hasPast: Bool
        let pager: Pager?
        /// All that they said, from one change to the next.
        let versions: WordsPanel?

        init(
            _ test: PBTest, of project: PBProject, standing: PBQuarantine?, all: Panel<PBListQuarantinesResponse>, form: QuarantineForm,
            canWrite: Bool, versions: Panel<PBListQuarantineVersionsResponse> = .content(.init()), pager: Pager?, now: Date
        ) {
            name = test.name.shortened(to: 300)
            place = TestPlace.of(suite: test.suiteName, className: test.className)
            testPath = PageAddress.test(test.id)
            path = QuarantinePage.path(project, test.id)
            self.canWrite = canWrite
            self.form = form
            self.standing = standing.map { Standing(mark: Badge($0.state), text: QuarantineText($0, now: now)) }
            isExpired = standing?.state == .expired
            past = all.content?.data.filter { $0.id != standing?.id }.map { Past(mark: Badge($0.state), text: QuarantineText($0, now: now)) } ?? []
            hasPast = !past.isEmpty
            pastNote = all.note
            self.pager = pager
            self.versions = WordsPanel(versions, ofQuarantined: test.id, in: project, now: now)
        }
    }

    struct Standing: Sendable {
        let mark: Badge
        let text: QuarantineText
    }

    struct Past: Sendable {
        let mark: Badge
        let text: QuarantineText
    }

    /// What was sent, and what came of it.
    private struct Attempt {
        let fields: [String: String]
        let fault: Fault
    }

    static func show(_ visit: Visit) async throws -> Response { try await page(visit) }

    private static func page(_ visit: Visit, _ attempt: Attempt? = nil) async throws -> Response {
        let id = try visit.context.parameter("test")
        let cursor = attempt == nil ? try visit.cursor(filter: []) : ""
        let (project, view) = try await visit.asking {
            let project = try await ProjectHead.project(visit)
            let test = try await test(id, of: project, visit)
            async let all = Panel.load("Earlier ones") {
                try await quarantines(visit).listQuarantines(
                    .with {
                        $0.project = project.id
                        $0.test = id
                        $0.limit = limit
                        $0.cursor = cursor
                    })
            }
            async let versions = Panel.load("What was said of it") {
                try await quarantines(visit).listQuarantineVersions(
                    .with {
                        $0.project = project.id
                        $0.test = id
                        $0.limit = WordsPanel.limit
                    })
            }
            let standing = try await standing(id, of: project, visit)
            let isStale = attempt?.fault == .versionStale
            let form = QuarantineForm(
                standing, written: attempt?.fields, version: isStale ? nil : attempt.map { Visit.version($0.fields) },
                refusal: attempt.map { FormRefusal($0.fault, fields: QuarantineForm.fields) }, now: visit.now)
            let listed = await all
            let view = View(
                test, of: project, standing: standing, all: listed, form: form, canWrite: visit.may(QuarantinePage.permission, in: project),
                versions: await versions, pager: try visit.pager(next: listed.content?.page.nextCursor ?? "", filter: []), now: visit.now)
            return (project, view)
        }
        let status = attempt.map { Problem.status(of: $0.fault) } ?? .ok
        let crumbs = ProjectHead.crumbs(project, ("Quarantine", QuarantinePage.path(project)), view.name)
        return visit.page(.quarantinedTest, "Quarantine of \(view.name)", crumbs: crumbs, status: status, view)
    }

    /// - Throws: `test.not_found`, also for one of another project.
    private static func test(_ id: String, of project: PBProject, _ visit: Visit) async throws -> PBTest {
        let test = try await PBTests.Client(wrapping: visit.upstream("analytics")).getTest(.with { $0.test = id })
        guard test.project == project.id else { throw Fault.notFound("test", id) }
        return test
    }

    /// The quarantine of a test that is in force or has expired; `nil` when there is none.
    static func standing(_ test: String, of project: PBProject, _ visit: Visit) async throws -> PBQuarantine? {
        do {
            return try await quarantines(visit).getQuarantine(
                .with {
                    $0.project = project.id
                    $0.test = test
                })
        } catch let error as RPCError where Fault(error).code == "quarantine.not_found" {
            return nil
        }
    }

    private static func quarantines(_ visit: Visit) -> PBQuarantines.Client<ServiceTransport> {
        PBQuarantines.Client(wrapping: visit.upstream("analytics"))
    }

    // MARK: - Deciding

    static func decide(_ visit: Visit) async throws -> Response {
        let fields = try await visit.form()
        let id = try visit.context.parameter("test")
        do {
            let project = try await visit.asking {
                let project = try await ProjectHead.project(visit)
                try await act(fields, on: id, of: project, visit)
                return project
            }
            return visit.redirect(to: QuarantinePage.path(project))
        } catch let fault as Fault where fault.isRefusal {
            return try await page(visit, Attempt(fields: fields, fault: fault))
        }
    }

    private static func act(_ fields: [String: String], on id: String, of project: PBProject, _ visit: Visit) async throws {
        switch fields["action"] {
        case "lift":
            _ = try await quarantines(visit).liftQuarantine(
                .with {
                    $0.project = project.id
                    $0.test = id
                    $0.version = Visit.version(fields)
                })
        case "change":
            let expiry = try QuarantineForm.expiry(fields)
            _ = try await quarantines(visit).updateQuarantine(
                .with {
                    $0.project = project.id
                    $0.test = id
                    $0.owner = QuarantineForm.text(fields, "owner")
                    $0.ticket = QuarantineForm.text(fields, "ticket")
                    $0.reason = QuarantineForm.text(fields, "reason")
                    if let expiry { $0.expiresAt = expiry }
                    $0.version = Visit.version(fields)
                })
        default:
            let expiry = try QuarantineForm.expiry(fields)
            _ = try await quarantines(visit).createQuarantine(
                .with {
                    $0.project = project.id
                    $0.test = id
                    $0.owner = QuarantineForm.text(fields, "owner")
                    $0.ticket = QuarantineForm.text(fields, "ticket")
                    $0.reason = QuarantineForm.text(fields, "reason")
                    if let expiry { $0.expiresAt = expiry }
                })
        }
    }
}

/// What the page of a test says of its quarantine, and the way there.
struct QuarantineNote: Sendable {
    let mark: Badge?
    let path: String
    let label: String

    /// `nil` when there is nothing to say, and nothing to do for who is asking.
    init?(_ standing: PBQuarantine?, of test: String, in project: PBProject, canWrite: Bool) {
        guard standing != nil || canWrite else { return nil }
        mark = standing.map { Badge($0.state) }
        path = QuarantinePage.path(project, test)
        label = standing == nil ? "Quarantine…" : canWrite ? "Renew or lift" : "Why"
    }
}
