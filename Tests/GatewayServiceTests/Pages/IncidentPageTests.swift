import AnalyticsAPI
import Foundation
import SwiftProtobuf
import Synchronization
import TestSupport
import Testing

@testable import GatewayService

@Suite("Pages of the environment's incidents", .database(GatewayProgram.schema))
struct IncidentPageTests {
    private func with(_ body: (GatewayStand, PageBrowser) async throws -> Void) async throws {
        try await GatewayStand.with(pages: PageGallery().site.routes) { stand in try await body(stand, PageBrowser(stand)) }
    }

    @Test("an incident tells why it is believed, a person gives its failures back, and another takes that back; both words are shown")
    func incidents() async throws {
        try await with { stand, browser in
            _ = try await browser.signIn()
            let list = try await browser.get("/projects/web/incidents")
            #expect(list.body.contains("Host runner-7") && list.body.contains("14 tests of 9 groups") && list.body.contains("by chance 2.2"))
            let incident = try await browser.get(list.link("Host runner-7"))
            #expect(incident.body.contains("1 in 50,000") && incident.body.contains("pays") && incident.body.contains("Give the failures back"))
            let reader = PageBrowser(stand)
            _ = try await reader.signIn(key: stand.makeKey([.resultsRead]))
            let read = try await reader.get("/projects/web/incidents/inc_1")
            #expect(read.status == 200 && !read.body.contains("Give the failures back"))
            let dismiss = "/projects/web/incidents/inc_1/dismiss"
            #expect(try await reader.post(dismiss, ["form_token": read.field("form_token")]).status == 403)

            let token = incident.field("form_token")
            let long = try await browser.post(dismiss, ["form_token": token, "reason": String(repeating: "x", count: 1001)])
            #expect(long.status == 422 && long.body.contains("at most 1000 characters"))
            #expect(try await browser.post(dismiss, ["form_token": token, "reason": "Ours"]).headers["location"] == "/projects/web/incidents/inc_1")
            let dismissed = try await browser.get("/projects/web/incidents/inc_1")
            #expect(dismissed.body.contains("Dismissed") && dismissed.body.contains("Ours") && !dismissed.body.contains("Give the failures back"))
            #expect(try await browser.get("/projects/web/incidents?state=STANDING").body.contains("No incident is in this state"))

            let reinstate = "/projects/web/incidents/inc_1/reinstate"
            #expect(dismissed.body.contains("Take the failures from their tests again") && dismissed.body.contains("action=\"\(reinstate)\""))
            #expect(try await reader.post(reinstate, ["form_token": read.field("form_token")]).status == 403)
            let again = try await browser.post(reinstate, ["form_token": token, "reason": String(repeating: "x", count: 1001)])
            #expect(again.status == 422 && again.body.contains("at most 1000 characters"))
            #expect(try await browser.post(reinstate, ["form_token": token, "reason": "Disk full"]).status == 303)
            let standing = try await browser.get("/projects/web/incidents/inc_1")
            #expect(standing.body.contains("Give the failures back") && standing.body.contains("A person has reinstated it"))
            #expect(standing.body.contains("Disk full") && standing.body.contains("Ours") && standing.body.contains("Reinstated"))
            #expect(standing.body.contains("Of 11 groups of tests that failed in one place only"))
            #expect(try await browser.get("/projects/web/incidents/inc_9").status == 404)
            stand.fake.incidents.incident.withLock { $0.evidence.contrast = .otherCommits }
            let once = try await browser.get("/projects/web/incidents/inc_1")
            #expect(once.body.contains("Of 11 commits on which tests of several groups") && once.body.contains("it is commits that are counted"))
        }
    }

    @Test("a person declares an incident on a form that a failed run leads to; who may only read has neither")
    func declaring() async throws {
        try await with { stand, browser in
            _ = try await browser.signIn()
            let link = "/projects/web/incidents?kind=RUN&amp;place=run_bad#declare"
            #expect(try await browser.get("/runs/run_bad").body.contains("href=\"\(link)\">Was it the environment?"))
            #expect(try await !browser.get("/runs/run_good").body.contains("Was it the environment?"))
            let form = try await browser.get("/projects/web/incidents?kind=RUN&place=run_bad")
            #expect(form.body.contains("<option value=\"RUN\" selected>") && form.field("place") == "run_bad")
            let reader = PageBrowser(stand)
            _ = try await reader.signIn(key: stand.makeKey([.resultsRead]))
            let read = try await reader.get("/projects/web/incidents")
            #expect(read.status == 200 && !read.body.contains("Declare an incident"))
            #expect(try await !reader.get("/runs/run_bad").body.contains("Was it the environment?"))

            let path = "/projects/web/incidents"
            let sent = ["kind": "HOST", "place": " runner-9 ", "from": "2026-03-01T14:00", "to": "2026-03-01T15:00:30", "reason": "Disk full"]
            #expect(try await reader.post(path, sent.merging(["form_token": read.field("form_token")]) { $1 }).status == 403)
            #expect(try await browser.post(path, sent).status == 403)
            let fields = sent.merging(["form_token": form.field("form_token")]) { $1 }
            let wrong = try await browser.post(path, fields.merging(["from": "yesterday"]) { $1 })
            #expect(wrong.status == 422 && wrong.body.contains("Write the time in UTC") && wrong.field("reason") == "Disk full")
            let unknown = try await browser.post(path, fields.merging(["kind": "MOON"]) { $1 })
            #expect(unknown.status == 422 && unknown.body.contains("It is HOST, ZONE, HOUR or RUN."))
            let nothing = try await browser.post(path, fields.merging(["place": "nowhere"]) { $1 })
            #expect(nothing.status == 409 && nothing.body.contains("nothing is kept") && nothing.field("place") == "nowhere")
            #expect(stand.fake.incidents.declared.withLock { $0.isEmpty })

            #expect(try await browser.post(path, fields).headers["location"] == "/projects/web/incidents/inc_1")
            let asked = try #require(stand.fake.incidents.declared.withLock { $0.first })
            #expect(asked.kind == .host && asked.place == "runner-9" && asked.reason == "Disk full")
            #expect(asked.from.seconds == 1_772_373_600 && asked.to.seconds == 1_772_377_230)
            let shown = try await browser.get("/projects/web/incidents/inc_1")
            #expect(shown.body.contains("A person declared it") && shown.body.contains("Host runner-9") && shown.body.contains("Disk full"))
            #expect(!shown.body.contains("Odds of that") && !shown.body.contains(">Receipt</a>") && shown.body.contains("Give the failures back"))
            #expect(try await browser.get(path).body.contains("not compared"))
        }
    }

    @Test("whoever judges results may say so of an incident too, and needs not be able to write tests for it")
    func validator() async throws {
        try await with { stand, browser in
            let (email, _) = try await stand.makePerson(role: .validator)
            let entry = ["email": email, "password": GatewayStand.password, "code": "", "return_to": "/"]
            let token = try await browser.get("/sign-in").field("form_token")
            #expect(try await browser.post("/sign-in", entry.merging(["form_token": token]) { $1 }).status == 303)
            #expect(try await !browser.get("/projects/web/quarantine/tst_1").body.contains("name=\"action\""))
            let path = "/projects/web/incidents/inc_1"
            for (verb, button) in [("dismiss", "Give the failures back"), ("reinstate", "Take the failures from their tests again")] {
                let page = try await browser.get(path)
                #expect(page.body.contains(button))
                let said = try await browser.post("\(path)/\(verb)", ["form_token": page.field("form_token"), "reason": "Disk full"])
                #expect(said.status == 303, "\(said.body)")
            }
            #expect(stand.fake.incidents.incident.withLock { $0.upheld })
        }
    }
}
