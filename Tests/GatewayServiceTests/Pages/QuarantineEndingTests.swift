import AnalyticsAPI
import Foundation
import SwiftProtobuf
import Synchronization
import TestSupport
import Testing

@testable import GatewayService

@Suite("Quarantines that expire soon", .database(GatewayProgram.schema))
struct QuarantineEndingTests {
    private func with(_ body: (GatewayStand, PageBrowser) async throws -> Void) async throws {
        try await GatewayStand.with(pages: PageGallery().site.routes) { stand in try await body(stand, PageBrowser(stand)) }
    }

    @Test("a project and its quarantine say how many entries expire within a week, and the list is narrowed to them")
    func quarantineEnding() async throws {
        try await with { stand, browser in
            stand.fake.quarantines.all.withLock { all in
                all = [2.0, 6, 30, -1].enumerated().map { place, days in
                    .with {
                        $0.id = "qrn_\(place)"
                        $0.test = "tst_\(place)"
                        $0.name = "pays \(place)"
                        $0.state = days > 0 ? .active : .expired
                        $0.expiresAt = .init(date: Date().addingTimeInterval(days * 86_400))
                    }
                }
            }
            _ = try await browser.signIn()
            let path = "/projects/web/quarantine?expires_within_days=7"
            #expect(try await browser.get("/projects/web").link("2 quarantines expire within 7 days") == path)
            let list = try await browser.get("/projects/web/quarantine")
            #expect(list.link("2 quarantines expire within 7 days") == path)
            #expect(list.body.contains("pays 2") && list.body.contains("pays 3"))
            #expect(!list.body.contains("Those that expire") && !list.body.contains(#"type="hidden" name="state""#))
            #expect(!list.body.contains(#"name="expires_within_days""#))
            let asked = stand.fake.quarantines.listed.withLock { $0.count }
            let soon = try await browser.get(path)
            #expect(soon.field("expires_within_days") == "7")
            // What the page shows is not asked for a second time, to be counted.
            #expect(stand.fake.quarantines.listed.withLock { $0.count } == asked + 1)
            #expect(try await browser.get("/projects/web/quarantine?expires_within_days=1").body.contains("Those that expire within 1 day."))
            #expect(soon.body.contains("pays 0") && soon.body.contains("pays 1") && soon.body.contains("Those that expire within 7 days."))
            #expect(!soon.body.contains("pays 2") && !soon.body.contains("pays 3") && !soon.body.contains("quarantines expire within"))
            #expect(soon.link("CSV") == "/api/v1/projects/web/quarantine?expires_within_days=7&export=csv")
            // What cannot be asked for narrows nothing.
            #expect(try await browser.get("/projects/web/quarantine?expires_within_days=91").body.contains("pays 2"))
            stand.fake.quarantines.all.withLock { $0.removeFirst(2) }
            #expect(try await !browser.get("/projects/web").body.contains("within 7 days"))
            // Many are told by a number that need not be counted to its end.
            stand.fake.quarantines.all.withLock { all in
                all = (0..<21).map { place in
                    .with {
                        $0.id = "qrn_\(place)"
                        $0.test = "tst_\(place)"
                        $0.name = "pays \(place)"
                        $0.state = .active
                        $0.expiresAt = .init(date: Date().addingTimeInterval(86_400))
                    }
                }
            }
            #expect(try await browser.get("/projects/web").link("More than 20 quarantines expire within 7 days") == path)
        }
    }
}
