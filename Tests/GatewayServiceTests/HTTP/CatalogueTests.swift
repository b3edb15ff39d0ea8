import Contract
import Foundation
import HTTPTypes
import Primitives
import TestSupport
import Testing

@testable import GatewayService

/// The catalogue of errors as it is written down.
private struct Declared: Decodable {
    let code: String
    let kind: String
    let status: Int
    let title: String
    let action: String

    static let all: [Declared] = {
        let file = URL(filePath: #filePath).appending(path: "../../../../Proto/Gateway/errors.json").standardizedFileURL
        return (try? JSONDecoder().decode([Declared].self, from: Data(contentsOf: file))) ?? []
    }()
}

@Suite("Error catalogue", .database(GatewayProgram.schema))
struct CatalogueTests {
    @Test("every code has the status that the catalogue promises")
    func statuses() throws {
        #expect(Declared.all.count > 100)
        for entry in Declared.all {
            let kind = try #require(FaultKind(rawValue: entry.kind), "\(entry.code) has the unknown kind \(entry.kind)")
            let status = Problem.status(of: Fault(kind, entry.code, "")).code
            #expect(status == entry.status, "\(entry.code) is answered with \(status)")
        }
    }

    @Test("the process knows the whole catalogue")
    func bundled() {
        #expect(ErrorCatalogue.bundled.entries.map(\.code) == Declared.all.map(\.code))
        for entry in ErrorCatalogue.bundled.entries {
            #expect(!entry.title.isEmpty && !entry.title.hasSuffix(".") && entry.action.hasSuffix("."), "\(entry.code)")
        }
    }

    @Test("the type of a problem leads to a page for everybody that says what to do")
    func pages() async throws {
        try await GatewayStand.with(settings: ["ASSAY_GATEWAY_PUBLIC_URL": "http://localhost"], pages: PageGallery().site.routes) { stand in
            let nobody = APIClient(url: stand.url, key: "")
            let problem = try await stand.api.get("/nothing")
            #expect(problem.string("type") == "http://localhost/errors/request.route_not_found")
            #expect(problem.string("title") == "There is nothing at this path")
            let page = try await nobody.get("/errors/request.route_not_found")
            #expect(page.status == 200 && page.text.contains("Check the path against"))
            #expect(page.headers["cache-control"] == "public, max-age=300" && page.headers["content-security-policy"]?.contains("nonce") == false)
            let tag = try #require(page.headers["etag"])
            #expect(try await nobody.get("/errors/request.route_not_found", headers: ["If-None-Match": tag]).status == 304)
            let overview = try await nobody.get("/errors")
            for entry in Declared.all { #expect(overview.text.contains("/errors/\(entry.code)\"")) }
            #expect(try await nobody.get("/errors/no.such_code").status == 404)
        }
    }

    @Test("the reference shows every operation with its permission, an example and a command, without asking anybody else")
    func reference() async throws {
        try await GatewayStand.with(pages: PageGallery().site.routes) { stand in
            let page = try await APIClient(url: stand.url, key: "").get("/docs")
            #expect(page.status == 200)
            for route in GatewayProgram.routes { #expect(page.text.contains("id=\"\(route.operationID)\""), "\(route.operationID)") }
            #expect(page.text.contains("curl -X POST &#39;") && page.text.contains("suites.write") && page.text.contains("URLSession.shared"))
            #expect(!page.text.contains("src=\"http") && !page.text.contains("href=\"http"))
        }
    }
}
